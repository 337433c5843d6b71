"""Checkerboards and hatching: patterns of the network's own grid in refocused images."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

_BESIDE = (-6, -5, -4, -3, 3, 4, 5, 6)
"""Lines of the spectrum to compare with, from that of the pattern; the window blurs it by two."""
_MIN_SIDE_PX = 64


def pattern_power(image: NDArray[np.floating], period_px: int) -> float:
    """Return the power of a pattern that repeats along rows or columns, over that beside it.

    A network that doubles its resolution by transposed convolutions may leave a pattern with a
    period of 2 px, and of 4 px from the level below. In the spectrum of an image it is a bright
    line; what is in the image changes little from one line to the next.

    Parameters
    ----------
    image
        Shape (y, x), sides of 64 px or more that are multiples of `period_px`.
    period_px
        Period of the pattern.

    Returns
    -------
    float
        About 1 where there is no pattern.

    Raises
    ------
    ValueError
        If the image has other sides.
    """
    if (
        image.ndim != 2
        or min(image.shape) < _MIN_SIDE_PX
        or any(n % period_px for n in image.shape)
    ):
        raise ValueError(
            f"an image of shape {image.shape}; expected two sides of {_MIN_SIDE_PX} px or more, "
            f"multiples of {period_px}"
        )
    # Without it, the jump from one edge to the opposite one would fill the spectrum.
    window = np.hanning(image.shape[0])[:, None] * np.hanning(image.shape[1])
    values = image.astype(np.float64)
    power = np.abs(np.fft.fft2(window * (values - np.average(values, weights=window)))) ** 2
    lines = (power, power.T)
    on = sum(along[len(along) // period_px].sum() for along in lines)
    beside = [
        along[len(along) // period_px + distance].sum() for along in lines for distance in _BESIDE
    ]
    return float(on / (np.sum(beside) / len(_BESIDE)))
