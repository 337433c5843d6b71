"""Peak, width and flux of beads at known places of one image (Eqs. 6 and 7)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from deepz_zoo.measure.beads.gaussian import FWHM_PER_SIGMA, fit_gaussian

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

CROP_PX = 30
"""Side of the square cut around a bead (paper: 30×30 pixels)."""
PEAK_RADIUS_PX = 2
"""The peak is searched for within this distance of the given position, in each direction."""
FRAME_PX = 2
"""Width of the outer frame of a crop whose median is the local background."""


@dataclass(frozen=True)
class Bead:
    """One measured bead.

    Attributes
    ----------
    y_px, x_px : float
        Position at which it was measured.
    peak : float
        Highest pixel within ±2 px of that position, minus the local background.
    flux : float
        Sum over the crop after subtraction of the local background.
    background : float
        Median of the two outermost pixel rows and columns of the crop.
    fwhm_um : float or None
        Lateral full width at half maximum, mean of the x and y directions (Eq. 7); None when the
        fit diverged.
    """

    y_px: float
    x_px: float
    peak: float
    flux: float
    background: float
    fwhm_um: float | None


def measure_beads(
    image: NDArray[np.generic],
    positions: ArrayLike,
    pixel_size_um: float,
    *,
    crop_px: int = CROP_PX,
    fit_offset: bool = True,
) -> tuple[Bead, ...]:
    """Measure beads at known positions.

    Parameters
    ----------
    image : ndarray, shape (ny, nx)
        Image in camera units or any other linear unit.
    positions : array_like, shape (n, 2)
        y, x of the beads in pixels. Beads whose crop leaves the image are measured on the part
        that lies inside.
    pixel_size_um : float
        Pixel size in the specimen.
    crop_px : int
        Side of the crop.
    fit_offset : bool
        Fit a constant beside the Gaussian. The paper's Eq. (6) has none; without it, the fit of a
        strongly defocused bead follows the halo and diverges.

    Returns
    -------
    tuple of Bead
        In the order of ``positions``.
    """
    points = np.asarray(positions, dtype=np.float64).reshape(-1, 2)
    pixels = image.astype(np.float64)
    return tuple(
        _measure(pixels, float(y), float(x), pixel_size_um, crop_px, fit_offset) for y, x in points
    )


def diverged(beads: tuple[Bead, ...]) -> int:
    """Return how many of the beads have no width because their fit diverged."""
    return sum(bead.fwhm_um is None for bead in beads)


def frame_median(crop: NDArray[np.float64]) -> float:
    """Return the local background: the median of the two outermost rows and columns of a crop."""
    frame = np.ones(crop.shape, dtype=bool)
    frame[FRAME_PX:-FRAME_PX, FRAME_PX:-FRAME_PX] = False
    return float(np.median(crop[frame]))


def _measure(
    image: NDArray[np.float64], y: float, x: float, pixel_um: float, crop_px: int, offset: bool
) -> Bead:
    top, left = round(y - crop_px / 2), round(x - crop_px / 2)
    rows = slice(max(top, 0), max(top + crop_px, 0))
    columns = slice(max(left, 0), max(left + crop_px, 0))
    crop = image[rows, columns]
    if min(crop.shape) <= 2 * FRAME_PX:
        raise ValueError(f"the bead at y={y:.1f}, x={x:.1f} px lies outside the image")
    center_y, center_x = y - rows.start, x - columns.start
    background = frame_median(crop)
    signal = crop - background
    near = signal[
        max(round(center_y) - PEAK_RADIUS_PX, 0) : round(center_y) + PEAK_RADIUS_PX + 1,
        max(round(center_x) - PEAK_RADIUS_PX, 0) : round(center_x) + PEAK_RADIUS_PX + 1,
    ]
    fit = fit_gaussian(signal, (center_y, center_x), fit_offset=offset)
    usable = fit is not None and not fit.too_narrow and not any(fit.diverged)
    return Bead(
        y_px=y,
        x_px=x,
        peak=float(near.max()),
        flux=float(signal.sum()),
        background=background,
        fwhm_um=float(FWHM_PER_SIGMA * np.mean(fit.sigma) * pixel_um) if fit and usable else None,
    )
