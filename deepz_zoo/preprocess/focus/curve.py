"""Focus curve of a stack, and its position of best focus between the planes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from deepz_zoo.errors import DeepZError
from deepz_zoo.intensities import intensity_scale, normalize_stack

_FITTED_PLANES = 4
_MAX_FITTED_PLANES = 8
_MIN_PX = 11
# The window and constants of Wang et al. 2004, the paper's reference 55.
_SSIM = {"gaussian_weights": True, "sigma": 1.5, "use_sample_covariance": False}


def focus_curve(stack: NDArray[Any], edf: NDArray[Any]) -> NDArray[np.float64]:
    """Return how similar each plane is to the extended-depth-of-field image.

    "To determine this reference zero-point in the axial direction, the images at each depth were
    compared with the EDF image of the same region using structural similarity index (SSIM),
    providing a focus curve." (Methods, "Cross-modality alignment")

    Parameters
    ----------
    stack
        Shape (nz, ny, nx), at least 11 px wide and high, in any intensity unit: stack and image are
        normalized by the image first, as in the paper.
    edf
        Shape (ny, nx).

    Returns
    -------
    ndarray, shape (nz,)
        SSIM, Eq. (13) of the paper with L = 1.

    Raises
    ------
    DeepZError
        If the sizes of stack and image differ or are too small.
    """
    from skimage.metrics import structural_similarity

    normalized = normalize_stack(stack, edf)
    if min(edf.shape) < _MIN_PX:
        raise DeepZError(
            f"image of {edf.shape[0]}×{edf.shape[1]} px; structural similarity needs "
            f"{_MIN_PX} px or more per side"
        )
    reference = intensity_scale(edf).apply(edf)
    curve = [
        structural_similarity(plane, reference, data_range=1.0, **_SSIM) for plane in normalized
    ]
    return np.array(curve, dtype=np.float64)


def axial_zero_um(curve: NDArray[np.floating[Any]], z_um: Sequence[float] | NDArray[Any]) -> float:
    """Return the position of best focus of a focus curve in µm.

    "A second order polynomial fit was performed on four points in this focus curve with highest
    SSIM values, and the reference zero-point was determined to be the peak of the fit." (Methods,
    "Cross-modality alignment")

    An acquired curve is noisy at its maximum, and its four highest values may all be on one side.
    If the parabola through them opens upward, the next highest value is added, up to eight in all.

    Parameters
    ----------
    curve
        A value per plane, highest in focus, shape (nz,).
    z_um
        Positions of the planes in µm, shape (nz,).

    Raises
    ------
    DeepZError
        If there are fewer than four planes, no parabola has a peak, or the peak lies outside the
        stack.
    """
    values, z = np.asarray(curve, dtype=np.float64), np.asarray(z_um, dtype=np.float64)
    if values.shape != z.shape or values.ndim != 1 or len(values) < _FITTED_PLANES:
        raise DeepZError(
            f"focus curve of shape {values.shape} at positions of {z.shape}; expected one value "
            f"per plane and {_FITTED_PLANES} planes or more"
        )
    order = np.argsort(-values, kind="stable")
    for count in range(_FITTED_PLANES, min(_MAX_FITTED_PLANES, len(values)) + 1):
        highest = order[:count]
        middle = z[highest].mean()  # keeps the fit well-conditioned far from z = 0
        curvature, slope, _ = np.polyfit(z[highest] - middle, values[highest], 2)
        if curvature < 0:
            break
    else:
        found = ", ".join(f"{position:g}" for position in np.sort(z[highest]))
        raise DeepZError(
            f"the focus curve has no single peak: the parabola through its highest values, at "
            f"z = {found} µm, opens upward; is the specimen in focus within the stack?"
        )
    peak = float(middle - slope / (2 * curvature))
    if not z.min() <= peak <= z.max():
        raise DeepZError(
            f"the focus curve peaks at z = {peak:g} µm, outside the stack's {z.min():g} to "
            f"{z.max():g} µm; the stack must extend through focus"
        )
    return peak
