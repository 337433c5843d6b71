"""Where a field of view holds specimen: a geodesic dilation of its in-focus image."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from skimage.morphology import reconstruction

from deepz_zoo.records.dataset import MASK_HIGH, MASK_LOW


def foreground_mask(
    normalized_edf: NDArray[Any], *, low: float = MASK_LOW, high: float = MASK_HIGH
) -> NDArray[np.bool_]:
    """Return the pixels that hold fluorescence signal.

    "On each FOV, a geodesic dilation with fixed thresholds was applied on fluorescence EDF images
    to generate a mask that represents the regions containing the sample fluorescence signal above
    the background" (Methods, "Image pre-processing and training data preparation").

    The paper does not give the thresholds. Here pixels above `high` are dilated geodesically within
    the pixels above `low`, until nothing changes: what is bright counts with all that is connected
    to it, what is only as bright as noise does not. Both are shares of the scale of the normalized
    image, on which 0 is the background and 1 % of the foreground exceeds 1. The defaults take
    objects that reach 30 % of the bright ones down to 10 % of the scale.

    Parameters
    ----------
    normalized_edf
        Extended-depth-of-field image normalized by itself, shape (ny, nx).
    low, high
        Thresholds of the limit and of the seeds.

    Returns
    -------
    ndarray of bool
        Shape (ny, nx).
    """
    limit = normalized_edf > low
    seeds = normalized_edf > high
    grown = reconstruction(seeds.astype(np.uint8), limit.astype(np.uint8), method="dilation")
    return np.asarray(grown, dtype=bool)
