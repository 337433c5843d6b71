"""Images with the names of their axes and their calibration, read and written."""

from __future__ import annotations

from deepz_zoo.images.reading import (
    Array,
    Image,
    Style,
    count_positions,
    even_step,
    read_image,
    write_image,
    write_planes,
)

__all__ = [
    "Array",
    "Image",
    "Style",
    "count_positions",
    "even_step",
    "read_image",
    "write_image",
    "write_planes",
]
