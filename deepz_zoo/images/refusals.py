"""What the readers of all formats say of files that they refuse."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np

from deepz_zoo.errors import DeepZError
from deepz_zoo.images.stored import Array, StoredPixels
from deepz_zoo.memory import refuse_too_large

_MAX_VALUE = 1e15  # squares of it, summed over an image, are finite in 32 bits


def damaged(path: Path, reason: Exception | str) -> DeepZError:
    """Return the error for a file that a library could not read whole."""
    return DeepZError(
        f"{path} cannot be read whole ({reason}); the file is truncated, damaged or compressed in "
        "an unknown way: copy or export it again"
    )


def in_colors(path: Path, found: str) -> DeepZError:
    """Return the error for an image with several samples per pixel."""
    return DeepZError(
        f"{path} is a color (RGB or alpha) image ({found}); expected one intensity per pixel: "
        "split the channels (in Fiji: Image > Color > Split Channels) and give one of them"
    )


def check_type(path: Path, shape: tuple[int, ...], dtype: np.dtype[Any]) -> None:
    """Refuse pixels that are no intensities, before one is read."""
    if dtype.kind == "c":
        raise DeepZError(f"{path} holds complex numbers ({dtype}); expected real intensities")
    if dtype.kind == "b":
        raise DeepZError(f"{path} is a black-and-white (1 bit) image; expected intensities")
    if dtype.kind not in "iuf":
        raise DeepZError(f"{path} holds pixels of type {dtype}; expected integers or floats")
    if 0 in shape:
        raise DeepZError(f"{path} holds no pixels (shape {shape})")


def check_values(name: str, plane: Array) -> None:
    """Refuse a plane with values that no sum over it would stay finite with."""
    if plane.dtype.kind != "f":
        return
    lowest, highest = float(plane.min()), float(plane.max())  # NaN if there is one
    if not math.isfinite(lowest) or not math.isfinite(highest):
        bad = int(np.count_nonzero(~np.isfinite(plane)))
        raise DeepZError(
            f"{name}: {bad} of {plane.size} pixels are NaN or infinite; replace them by numbers "
            "first (in Fiji: Process > Math > NaN Background or Macro)"
        )
    if (largest := max(-lowest, highest)) > _MAX_VALUE:
        raise DeepZError(
            f"{name} holds values up to {largest:.3g}; expected intensities of at most "
            f"{_MAX_VALUE:g}: divide the image by a constant"
        )


def load_whole(path: Path, pixels: StoredPixels) -> Array:
    """Read all planes, if there is memory for them."""
    size = "×".join(map(str, pixels.shape))
    refuse_too_large(pixels.nbytes, f"{path} ({size} px)")
    return pixels.load()
