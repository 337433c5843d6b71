"""Stacks of Gaussian beads, whose widths are known in closed form."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

PIXEL_UM, STEP_UM = 0.325, 0.5
FWHM_PER_SIGMA = 2 * math.sqrt(2 * math.log(2))


def gaussian_stack(
    *centers: Sequence[float],
    sigma: tuple[float, float, float] = (3.0, 1.5, 2.0),
    amplitude: float = 2000.0,
    shape: tuple[int, int, int] = (25, 96, 96),
    seed: int | None = 3,
) -> NDArray[np.float64]:
    """Return beads at centers z, y, x on a background of 100, with shot noise unless seed is None.

    Parameters
    ----------
    sigma
        Along z, y and x, in planes and pixels.
    """
    grid = np.indices(shape)
    stack = np.full(shape, 100.0)
    for center in centers:
        exponent = sum(
            (axis - at) ** 2 / (2 * width**2)
            for axis, at, width in zip(grid, center, sigma, strict=True)
        )
        stack += amplitude * np.exp(-exponent)
    return stack if seed is None else np.random.default_rng(seed).poisson(stack).astype(float)
