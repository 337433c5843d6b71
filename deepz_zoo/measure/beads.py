"""Peak, width and flux of fluorescent beads, measured as the paper does (Eqs. 6 and 7)."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy.optimize import OptimizeWarning, curve_fit
from scipy.spatial import cKDTree
from skimage.measure import label, regionprops

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

CROP_PX = 30
"""Side of the square cut around a bead (paper: 30×30 pixels)."""
PEAK_RADIUS_PX = 2
"""The peak is searched for within this distance of the given position, in each direction."""
FRAME_PX = 2
"""Width of the outer frame of a crop whose median is the local background."""
MIN_SIGMA_PX = 0.2
"""Narrower fits describe single pixels (noise, hot pixels), not beads."""
MAX_SIGMA_FRACTION = 0.5
"""Fits wider than this fraction of the crop are extrapolations: they count as diverged."""
_FWHM_PER_SIGMA = 2 * np.sqrt(2 * np.log(2))


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


def detect_beads(
    image: NDArray[np.generic], threshold: float, *, min_area_px: int = 2
) -> NDArray[np.float64]:
    """Return the centroids of the connected components above a threshold.

    Parameters
    ----------
    image : ndarray, shape (ny, nx)
        Image of beads.
    threshold : float
        In the unit of the image. State it with every width: it decides which beads are
        counted, and so the median width.
    min_area_px : int
        Smaller components (hot pixels) are dropped.

    Returns
    -------
    ndarray, shape (n, 2)
        Centroids as y, x in pixels.
    """
    regions = regionprops(label(np.greater(image, threshold)))
    centroids = [region.centroid for region in regions if region.area >= min_area_px]
    return np.array(centroids, dtype=np.float64).reshape(-1, 2)


def isolated(
    positions: ArrayLike,
    shape: tuple[int, int],
    *,
    min_distance: float,
    margin: float = CROP_PX / 2,
) -> NDArray[np.intp]:
    """Return the indices of the beads that have no neighbor and lie inside the image.

    Parameters
    ----------
    positions : array_like, shape (n, 2)
        y, x of every bead, at any depth.
    shape : (int, int)
        Size of the image, in the unit of the positions.
    min_distance : float
        Lateral distance that the nearest other bead must have.
    margin : float
        Distance that the bead must have from every edge of the image.
    """
    points = np.asarray(positions, dtype=np.float64).reshape(-1, 2)
    if len(points) == 0:
        return np.zeros(0, dtype=np.intp)
    last = np.array(shape, dtype=np.float64) - 1
    inside = np.all((points >= margin) & (points <= last - margin), axis=1)
    nearest = np.full(len(points), np.inf)
    if len(points) > 1:
        # The nearest point to each bead is the bead itself, the second one its neighbor.
        nearest = cKDTree(points).query(points, k=2)[0][:, 1]
    return np.flatnonzero(inside & (nearest >= min_distance))


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
    background = _frame_median(crop)
    signal = crop - background
    near = signal[
        max(round(center_y) - PEAK_RADIUS_PX, 0) : round(center_y) + PEAK_RADIUS_PX + 1,
        max(round(center_x) - PEAK_RADIUS_PX, 0) : round(center_x) + PEAK_RADIUS_PX + 1,
    ]
    sigmas = _fit_gaussian(signal, center_y, center_x, offset)
    return Bead(
        y_px=y,
        x_px=x,
        peak=float(near.max()),
        flux=float(signal.sum()),
        background=background,
        fwhm_um=None if sigmas is None else float(_FWHM_PER_SIGMA * np.mean(sigmas) * pixel_um),
    )


def _frame_median(crop: NDArray[np.float64]) -> float:
    frame = np.ones(crop.shape, dtype=bool)
    frame[FRAME_PX:-FRAME_PX, FRAME_PX:-FRAME_PX] = False
    return float(np.median(crop[frame]))


def _gaussian(
    coordinates: NDArray[np.float64],
    amplitude: float,
    center_y: float,
    center_x: float,
    sigma_y: float,
    sigma_x: float,
    offset: float = 0.0,
) -> NDArray[np.float64]:
    """Eq. (6) with the minus sign that is missing in print, and an optional constant."""
    y, x = coordinates
    exponent = (x - center_x) ** 2 / (2 * sigma_x**2) + (y - center_y) ** 2 / (2 * sigma_y**2)
    return np.asarray(amplitude * np.exp(-exponent) + offset)


def _fit_gaussian(
    signal: NDArray[np.float64], center_y: float, center_x: float, offset: bool
) -> tuple[float, float] | None:
    """Return σ_y and σ_x in pixels, or None when the fit failed or ended at its limits."""
    peak = float(signal.max())
    if peak <= 0:
        return None
    ny, nx = signal.shape
    widest = MAX_SIGMA_FRACTION * min(ny, nx)
    start = [peak, center_y, center_x, 2.0, 2.0]
    low = [0.0, -0.5, -0.5, MIN_SIGMA_PX, MIN_SIGMA_PX]
    high = [10 * peak, ny - 0.5, nx - 0.5, widest, widest]
    if offset:
        start, low, high = [*start, 0.0], [*low, -peak], [*high, peak]
    coordinates = np.indices(signal.shape, dtype=np.float64).reshape(2, -1)
    with warnings.catch_warnings():
        # A covariance that cannot be estimated says nothing about the widths.
        warnings.simplefilter("ignore", OptimizeWarning)
        try:
            fit, _ = curve_fit(
                _gaussian, coordinates, signal.ravel(), p0=start, bounds=(low, high), max_nfev=400
            )
        except RuntimeError:
            return None
    sigmas = fit[3:5]
    at_limit = np.any(sigmas >= 0.99 * widest) or np.any(sigmas <= 1.01 * MIN_SIGMA_PX)
    return None if at_limit else (float(sigmas[0]), float(sigmas[1]))
