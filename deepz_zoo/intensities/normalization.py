"""Normalization: steps (1) to (4) of the Methods, "Image pre-processing …"."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from skimage.filters import threshold_triangle

from deepz_zoo.errors import DeepZError

_SATURATED = 0.01
_MIN_LEVELS = 256
_MAX_LEVELS = 65536


@dataclass(frozen=True)
class IntensityScale:
    """A background level and a scale in camera units.

    Attributes
    ----------
    background
        Mean of the background pixels.
    scale
        Distance from the background to the level that 1 % of the foreground exceeds.
    """

    background: float
    scale: float

    def apply(self, image: NDArray[Any]) -> NDArray[np.float32]:
        """Normalize an image or stack of any shape."""
        return ((image - self.background) / self.scale).astype(np.float32)

    def undo(self, normalized: NDArray[Any]) -> NDArray[np.float32]:
        """Return to camera units."""
        return (normalized * self.scale + self.background).astype(np.float32)


def intensity_scale(reference: NDArray[Any]) -> IntensityScale:
    """Find the background and scale of a reference image.

    "(1) Triangular threshold was used on the image to separate the background and foreground
    pixels; (2) the mean intensity of the background pixels of the EDF image was determined to be
    the background noise and subtracted; (3) the EDF image intensity was scaled to 0-1, where the
    scale factor was determined such that 1% of the foreground pixels above the background were
    greater than one."

    Parameters
    ----------
    reference
        The extended-depth-of-field image of a stack, or a single image; shape (ny, nx), any real
        type. Integers get one histogram bin per grey level; an image with fractions gets bins of
        one grey level too, but at least 256 of them.

    Raises
    ------
    DeepZError
        If the image is empty, not two-dimensional or holds NaN or infinity.
    """
    image = np.asarray(reference)
    if image.ndim != 2 or image.size == 0:
        raise DeepZError(f"reference image of shape {image.shape}; expected rows and columns")
    if not np.isfinite(image).all():
        raise DeepZError("the image holds NaN or infinity; expected finite grey values")
    lowest, extent = float(image.min()), float(np.ptp(image.astype(np.float64)))
    if extent == 0:
        return IntensityScale(background=lowest, scale=1.0)
    width = _level_width(image, extent)
    levels = np.rint((image.astype(np.float64) - lowest) / width).astype(np.int64)
    foreground = levels > threshold_triangle(levels)
    background = float(image[~foreground].mean(dtype=np.float64))
    values = np.sort(levels[foreground])
    brightest = lowest + width * float(values[len(values) - int(_SATURATED * len(values)) - 1])
    return IntensityScale(background=background, scale=brightest - background)


def _level_width(image: NDArray[Any], extent: float) -> float:
    whole = np.issubdtype(image.dtype, np.integer) or bool((image == np.rint(image)).all())
    finest = 1.0 if whole else extent / (_MIN_LEVELS - 1)
    return max(min(1.0, finest), extent / (_MAX_LEVELS - 1))


def normalize_image(image: NDArray[Any]) -> NDArray[np.float32]:
    """Normalize a single image (ny, nx) by itself.

    "For testing data without an image stack, steps (1) - (3) were applied on the input image
    instead of the EDF image."
    """
    return intensity_scale(image).apply(image)


def normalize_stack(stack: NDArray[Any], edf: NDArray[Any]) -> NDArray[np.float32]:
    """Normalize a stack (nz, ny, nx) by its extended-depth-of-field image (ny, nx).

    "(4) each image in the stack was subtracted by this background level and normalized by this
    intensity scaling factor."

    Raises
    ------
    DeepZError
        If the sizes of stack and image differ.
    """
    if stack.ndim != 3 or stack.shape[1:] != edf.shape:
        raise DeepZError(
            f"stack of shape {stack.shape} with an extended-depth-of-field image of {edf.shape}; "
            "expected (planes, rows, columns) and the same rows and columns"
        )
    return intensity_scale(edf).apply(stack)
