"""The image on a curved surface within a stack."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import map_coordinates


def image_on_surface(planes: NDArray[Any], depth: NDArray[np.floating]) -> NDArray[np.float32]:
    """Interpolate planes linearly along z on a surface.

    Parameters
    ----------
    planes
        Shape (nz, ny, nx).
    depth
        The surface as an index along z at each pixel, shape (ny, nx); beyond the ends, the first or
        the last plane counts.
    """
    y, x = np.indices(depth.shape)
    image: NDArray[np.float32] = map_coordinates(
        planes.astype(np.float32), [depth, y, x], order=1, mode="nearest"
    )
    return image
