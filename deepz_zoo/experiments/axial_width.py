"""How far structures extend along z in a stack."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.signal import peak_widths
from skimage.feature import peak_local_max

_SPACING_PX = 5


def bright_places(stack: NDArray[np.floating], count: int) -> NDArray[np.intp]:
    """Return (y, x) of the brightest places that are not brightest in the first or last plane.

    Parameters
    ----------
    stack
        Shape (nz, ny, nx).
    count
        How many at most.
    """
    places = peak_local_max(stack.max(axis=0), min_distance=_SPACING_PX, num_peaks=4 * count)
    z = stack.argmax(axis=0)[places[:, 0], places[:, 1]]
    inside: NDArray[np.intp] = places[(z > 0) & (z < len(stack) - 1)][:count]
    return inside


def axial_widths(
    stack: NDArray[np.floating], places: NDArray[np.intp], z_step_um: float
) -> NDArray[np.float64]:
    """Return the widths along z at half of the height above zero, in µm.

    Where a profile stays above half of its height up to an end of the stack, its width ends there:
    it is a lower bound.

    Parameters
    ----------
    stack
        Background subtracted, shape (nz, ny, nx).
    places
        (y, x), shape (n, 2).
    z_step_um
        Distance between the planes.
    """
    last = len(stack) - 1
    widths = []
    for y, x in places:
        profile = stack[:, y, x].astype(np.float64)
        peak = int(profile.argmax())
        # SciPy's prominence is the height above the ends of the profile; here it is that above 0.
        above_zero = (profile[[peak]], np.array([0]), np.array([last]))
        width, *_ = peak_widths(profile, [peak], rel_height=0.5, prominence_data=above_zero)
        widths.append(float(width[0]) * z_step_um)
    return np.array(widths)
