"""Pictures of the documentation: ``python docs/pictures.py FILE.png WIDTH`` makes one smaller."""

from __future__ import annotations

import sys
from pathlib import Path

from PIL import Image

_COLORS = 128


def shrink(source: Path, path: Path, width_px: int | None = None) -> None:
    """Write a picture with few colors, and no wider than `width_px`."""
    with Image.open(source) as image:
        picture = image.convert("RGB")
    if width_px is not None:
        picture.thumbnail((width_px, picture.height))
    picture.quantize(_COLORS).save(path, optimize=True)


if __name__ == "__main__":
    shrink(Path(sys.argv[1]), Path(sys.argv[1]), int(sys.argv[2]))
