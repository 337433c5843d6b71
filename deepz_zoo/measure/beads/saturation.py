"""The grey level at which a camera saturates, from an image alone."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from numpy.typing import NDArray

PLATEAU = 0.99
"""Pixels above this fraction of the highest value count as having it."""
_CAMERA_BITS = (8, 10, 12, 14, 16)


def saturation_level(images: NDArray[Any]) -> float:
    """Return about the highest grey level of a camera of 8 to 16 bits; infinity for other types."""
    if images.dtype.kind not in "ui":
        return float("inf")
    brightest = int(images.max())
    return PLATEAU * next((2**b - 1 for b in _CAMERA_BITS if brightest < 2**b), float("inf"))
