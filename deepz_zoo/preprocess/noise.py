"""The noise of a camera image, from the image alone."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

_MAD_TO_SIGMA = 1.4826


def noise_level(image: NDArray[Any]) -> float:
    """Return the standard deviation of the noise between neighboring pixels of an image (y, x).

    From the median absolute deviation of their differences, to which sparse structures matter
    little; in the image's own units.
    """
    differences = np.diff(image.astype(np.float64), axis=1)
    spread = np.median(np.abs(differences - np.median(differences)))
    return float(_MAD_TO_SIGMA * spread / np.sqrt(2))
