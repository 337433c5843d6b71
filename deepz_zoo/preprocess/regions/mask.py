"""The foreground of a field of view, by geodesic dilation of its in-focus image."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from skimage.morphology import reconstruction

from deepz_zoo.records.dataset import MASK_HIGH, MASK_LOW


def foreground_mask(
    normalized_edf: NDArray[Any], *, low: float = MASK_LOW, high: float = MASK_HIGH
) -> NDArray[np.bool_]:
    """Return the mask of pixels with fluorescence signal.

    "On each FOV, a geodesic dilation with fixed thresholds was applied on fluorescence EDF images
    to generate a mask that represents the regions containing the sample fluorescence signal above
    the background" (Methods, "Image pre-processing and training data preparation").

    The paper does not give the thresholds. Here pixels above `high` are dilated geodesically within
    the pixels above `low`, until nothing changes: bright pixels count with everything connected to
    them, isolated pixels at the level of the noise do not. Both thresholds are fractions of the
    scale of the normalized image, on which 0 is the background and 1 % of the foreground exceeds 1.
    By default, objects whose maximum exceeds 0.3 are taken down to 0.1.

    Parameters
    ----------
    normalized_edf
        Extended-depth-of-field image normalized by itself, shape (ny, nx).
    low, high
        Threshold of the limit, and of the seeds.

    Returns
    -------
    ndarray of bool
        Shape (ny, nx).
    """
    limit = normalized_edf > low
    seeds = normalized_edf > high
    grown = reconstruction(seeds.astype(np.uint8), limit.astype(np.uint8), method="dilation")
    return np.asarray(grown, dtype=bool)
