"""Spectra along x of an image, and what of it repeats with a period."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.signal import periodogram


def power_spectrum(image: NDArray[np.floating]) -> NDArray[np.float64]:
    """Return the power along x at the frequencies of ``np.fft.rfftfreq``, the mean of all rows.

    A Hann window keeps the ends of the rows, which do not meet, out of it.

    Parameters
    ----------
    image
        Shape (ny, nx).
    """
    _, power = periodogram(image, window="hann", scaling="spectrum", axis=1)
    spectrum: NDArray[np.float64] = power.mean(axis=0)
    return spectrum


def harmonics(image: NDArray[np.floating], period_px: float, count: int) -> list[float]:
    """Return the amplitudes along x at a period and at its harmonics, in phase in all rows.

    Parameters
    ----------
    image
        Shape (ny, nx).
    period_px
        Of the first of them.
    count
        How many, the first included.

    Returns
    -------
    list of float
        In the unit of the image; NaN at frequencies of half a period per pixel and more, which
        pixels do not tell from lower ones.
    """
    profile = image.mean(axis=0)
    profile = profile - profile.mean()
    x = np.arange(len(profile))
    amplitudes = []
    for order in range(1, count + 1):
        wave = np.exp(-2j * np.pi * order * x / period_px)
        resolved = order / period_px < 0.5
        amplitudes.append(float(2 * abs(np.mean(profile * wave))) if resolved else np.nan)
    return amplitudes
