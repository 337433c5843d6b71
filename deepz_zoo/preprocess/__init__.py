"""What is done to images before a network sees them, as the paper's Methods say."""

from __future__ import annotations

from deepz_zoo.preprocess.normalization import (
    IntensityScale,
    intensity_scale,
    normalize_image,
    normalize_stack,
)

__all__ = ["IntensityScale", "intensity_scale", "normalize_image", "normalize_stack"]
