"""How far the output of one engine is from that of another."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from deepz_zoo.engines.engine import Tensor


@dataclass(frozen=True)
class Difference:
    """The difference between two outputs of one shape.

    Attributes
    ----------
    absolute
        Largest absolute difference, in the unit of the output.
    relative
        The same as a fraction of the largest absolute value that was expected.
    """

    absolute: float
    relative: float

    @classmethod
    def between(cls, output: Tensor, expected: Tensor) -> Difference:
        """Compare an output with the expected one."""
        absolute = float(np.abs(output.astype(np.float64) - expected).max())
        largest = float(np.abs(expected).max())
        return cls(absolute, absolute / largest if largest else absolute)


def probe(shape: tuple[int, int, int]) -> NDArray[np.float32]:
    """Return images to compare engines on: blurred spots with photon noise, above tilted surfaces.

    Parameters
    ----------
    shape
        Batch, height and width.

    Returns
    -------
    ndarray of float32, shape (batch, 2, height, width)
        Camera images in grey levels, and DPMs in µm with values of both signs.
    """
    batch, ny, nx = shape
    random = np.random.default_rng(0)
    y, x = np.mgrid[:ny, :nx]
    tensor = np.empty((batch, 2, ny, nx), np.float32)
    for image, surface in tensor:
        light = np.full((ny, nx), 20.0)
        for _ in range(8):
            cy, cx, sigma = random.uniform((0, 0, 1), (ny, nx, 6))
            light += 400 * np.exp(-((y - cy) ** 2 + (x - cx) ** 2) / (2 * sigma**2))
        image[:] = 100 + random.poisson(light)
        surface[:] = 8 * (x / nx - 0.4) + 5 * (y / ny - 0.3)
    return tensor
