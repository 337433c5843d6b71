"""Beads that an instrument can be fitted to: found, and sieved."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, eq=False)
class BeadImages:
    """Crops around one bead.

    Attributes
    ----------
    pixels
        Grey levels, shape (n, side, side); the bead lies near pixel ``side // 2``.
    valid
        Which pixels count, same shape: not hot and not saturated.
    z_um
        Position of the stage at each crop, in µm from about the bead's focus, shape (n,).
    y_px, x_px
        The pixel of the image at the crop's ``side // 2``.
    level
        Background in grey levels.
    read_variance
        Variance of the background in squared grey levels.
    """

    pixels: NDArray[np.float32]
    valid: NDArray[np.bool_]
    z_um: NDArray[np.float64]
    y_px: int
    x_px: int
    level: float
    read_variance: float

    @property
    def light(self) -> float:
        """Grey levels of one plane above the background, about."""
        return float(np.clip((self.pixels - self.level).sum(axis=(1, 2)).max(), 1.0, None))

    @property
    def signal_to_noise(self) -> float:
        """The brightest pixel above the background over the noise of that."""
        return float((self.pixels * self.valid).max() - self.level) / self.read_variance**0.5
