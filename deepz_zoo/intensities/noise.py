"""The noise of a camera image, from the image alone."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from deepz_zoo.intensities import IntensityScale, intensity_scale

_MAD_TO_SIGMA = 1.4826


def noise_level(image: NDArray[Any]) -> float:
    """Return the standard deviation of the noise between neighboring pixels of an image (y, x).

    From the median absolute deviation of their differences, to which sparse structures matter
    little; in the image's own units.
    """
    differences = np.diff(image.astype(np.float64), axis=1)
    spread = np.median(np.abs(differences - np.median(differences)))
    return float(_MAD_TO_SIGMA * spread / np.sqrt(2))


def signal_to_noise(image: NDArray[Any], scale: IntensityScale | None = None) -> float | None:
    """Return the paper's intensity scale over the noise between neighboring pixels.

    Parameters
    ----------
    image
        Camera image, shape (y, x).
    scale
        That of the image, where it is known already.

    Returns
    -------
    float or None
        None for an image without noise.
    """
    noise = noise_level(image)
    return (scale or intensity_scale(image)).scale / noise if noise > 0 else None
