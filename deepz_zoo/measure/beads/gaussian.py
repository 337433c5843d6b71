"""The one fit of this project to images of beads: a two-dimensional Gaussian (Eqs. 6 and 8)."""

from __future__ import annotations

import warnings
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import OptimizeWarning, curve_fit

FWHM_PER_SIGMA = float(2 * np.sqrt(2 * np.log(2)))
MIN_SIGMA_PX = 0.2
"""Narrower fits describe single pixels (noise, hot pixels), not beads."""
MAX_SIGMA_FRACTION = 0.5
"""Fits wider than this fraction of the crop are extrapolations: they count as diverged."""
_START_SIGMA_PX = 2.0
_MAX_EVALUATIONS = 400


@dataclass(frozen=True)
class GaussianFit:
    """A Gaussian along the two axes of an image.

    Attributes
    ----------
    center, sigma
        Along the first and the second axis, in pixels.
    r_squared
        Fraction of the variance of the image that the fit explains: 1 for a Gaussian.
    widest
        The limits of `sigma`.
    """

    center: tuple[float, float]
    sigma: tuple[float, float]
    r_squared: float
    widest: tuple[float, float]

    @property
    def diverged(self) -> tuple[bool, bool]:
        """Whether each width ended at its upper limit."""
        return self.sigma[0] >= 0.99 * self.widest[0], self.sigma[1] >= 0.99 * self.widest[1]

    @property
    def too_narrow(self) -> bool:
        """Whether a width ended at its lower limit."""
        return min(self.sigma) <= 1.01 * MIN_SIGMA_PX


def fit_gaussian(
    signal: NDArray[np.float64],
    center: tuple[float, float],
    *,
    fit_offset: bool,
    widest: tuple[float, float] | None = None,
) -> GaussianFit | None:
    """Fit Eq. (6) or (8) of the paper, with the minus sign that is missing in print.

    I(x, y) = A · exp(-((x - x_c)² / 2σ_x² + (y - y_c)² / 2σ_y²)), by least squares
    with bounds (scipy's ``curve_fit`` in the place of Matlab's ``lsqcurvefit``).

    Parameters
    ----------
    signal
        An image above its background, shape (n, m); the axes need not have one unit.
    center
        Where the fit begins, in pixels.
    fit_offset
        Add a constant, which the equations do not have.
    widest
        The largest σ along each axis in pixels; by default `MAX_SIGMA_FRACTION` of the shorter
        side.

    Returns
    -------
    GaussianFit or None
        None where nothing lies above the background, or the fit does not converge.
    """
    peak = float(signal.max())
    if peak <= 0:
        return None
    if widest is None:
        widest = (MAX_SIGMA_FRACTION * min(signal.shape),) * 2
    start = [peak, *center, _START_SIGMA_PX, _START_SIGMA_PX]
    low = [0.0, -0.5, -0.5, MIN_SIGMA_PX, MIN_SIGMA_PX]
    high = [10 * peak, signal.shape[0] - 0.5, signal.shape[1] - 0.5, *widest]
    if fit_offset:
        start, low, high = [*start, 0.0], [*low, -peak], [*high, peak]
    coordinates = np.indices(signal.shape, dtype=np.float64).reshape(2, -1)
    with warnings.catch_warnings():
        # A covariance that cannot be estimated says nothing about the widths.
        warnings.simplefilter("ignore", OptimizeWarning)
        try:
            fit, _ = curve_fit(
                _gaussian,
                coordinates,
                signal.ravel(),
                p0=start,
                bounds=(low, high),
                max_nfev=_MAX_EVALUATIONS,
            )
        except RuntimeError:
            return None
    rest = signal.ravel() - _gaussian(coordinates, *fit)
    return GaussianFit(
        center=(float(fit[1]), float(fit[2])),
        sigma=(float(fit[3]), float(fit[4])),
        r_squared=1 - float(np.sum(rest**2) / np.sum((signal - signal.mean()) ** 2)),
        widest=widest,
    )


def _gaussian(
    coordinates: NDArray[np.float64],
    amplitude: float,
    center_y: float,
    center_x: float,
    sigma_y: float,
    sigma_x: float,
    offset: float = 0.0,
) -> NDArray[np.float64]:
    y, x = coordinates
    exponent = (x - center_x) ** 2 / (2 * sigma_x**2) + (y - center_y) ** 2 / (2 * sigma_y**2)
    return np.asarray(amplitude * np.exp(-exponent) + offset)
