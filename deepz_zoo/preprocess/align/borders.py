"""Fill the borders that moved planes leave without pixels, and cut them off where possible."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

Slices = tuple[slice, slice]


def fill_borders(
    aligned: NDArray[Any], acquired: NDArray[Any], matrices: NDArray[np.float64]
) -> tuple[NDArray[Any], NDArray[np.bool_]]:
    """Fill pixels that alignment left empty with the nearest pixel of the acquired plane.

    StackReg leaves them black, far below the background.

    Parameters
    ----------
    aligned, acquired
        Stacks after and before alignment, shape (nz, ny, nx).
    matrices
        For each plane the matrix from a pixel (x, y, 1) of the aligned plane to the acquired one,
        shape (nz, 3, 3).

    Returns
    -------
    stack, covered
        The filled stack, and the pixels (ny, nx) that all planes cover.
    """
    ny, nx = acquired.shape[1:]
    covered = np.ones((ny, nx), dtype=bool)
    filled = aligned.copy()
    y, x = np.mgrid[:ny, :nx]
    for plane, source, matrix in zip(filled, acquired, matrices, strict=True):
        if np.array_equal(matrix, np.eye(3)):
            continue
        from_x = matrix[0, 0] * x + matrix[0, 1] * y + matrix[0, 2]
        from_y = matrix[1, 0] * x + matrix[1, 1] * y + matrix[1, 2]
        inside = (np.abs(from_x - (nx - 1) / 2) < nx / 2) & (np.abs(from_y - (ny - 1) / 2) < ny / 2)
        rows = np.clip(np.rint(from_y[~inside]), 0, ny - 1).astype(np.intp)
        columns = np.clip(np.rint(from_x[~inside]), 0, nx - 1).astype(np.intp)
        plane[~inside] = source[rows, columns]
        covered &= inside
    return filled, covered


def covered_window(covered: NDArray[np.bool_], min_px: int) -> Slices:
    """Return rows and columns without uncovered borders.

    The border with the largest uncovered fraction is cut, until none is left or the window is down
    to `min_px`.

    Parameters
    ----------
    covered
        Pixels to keep, shape (ny, nx).
    min_px
        Smallest number of rows and columns to leave.
    """
    top, left = 0, 0
    bottom, right = covered.shape
    while True:
        window = covered[top:bottom, left:right]
        missing = {
            "top": 1 - window[0].mean() if len(window) > min_px else 0.0,
            "bottom": 1 - window[-1].mean() if len(window) > min_px else 0.0,
            "left": 1 - window[:, 0].mean() if window.shape[1] > min_px else 0.0,
            "right": 1 - window[:, -1].mean() if window.shape[1] > min_px else 0.0,
        }
        worst = max(missing, key=lambda side: missing[side])
        if missing[worst] == 0:
            return slice(top, bottom), slice(left, right)
        top += worst == "top"
        bottom -= worst == "bottom"
        left += worst == "left"
        right -= worst == "right"
