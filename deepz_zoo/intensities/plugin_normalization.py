"""Normalization as the authors' Fiji plugin does it, for images of 8 and of 16 bits.

It differs from the paper's Methods, see `deepz_zoo.intensities.normalization`: the median is the
background, the background is not subtracted from the scale, and the output is not brought back to
the grey levels of the input.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from deepz_zoo.errors import DeepZError
from deepz_zoo.images import StoredPixels
from deepz_zoo.intensities import IntensityScale

_BRIGHTEST = 0.99


def plugin_intensity_scale(image: NDArray[Any]) -> IntensityScale:
    """Find the background and scale of an image as the plugin does.

    Parameters
    ----------
    image
        Shape (ny, nx), uint8 or uint16. The plugin works on integer grey levels.

    Returns
    -------
    IntensityScale
        The median, and the grey level of rank ``int(0.99 n)`` of the n pixels above the triangle
        threshold; a scale of 1 where there is none.

    Raises
    ------
    DeepZError
        If the image is of another type, not two-dimensional or empty.
    """
    bits = plugin_bits(image)
    if image.ndim != 2 or image.size == 0:
        raise DeepZError(f"image of shape {image.shape}; expected rows and columns")
    threshold = landini_triangle(np.bincount(image.ravel(), minlength=2**bits))
    foreground = np.sort(image[image > threshold])
    scale = float(foreground[int(_BRIGHTEST * len(foreground))]) if len(foreground) else 0.0
    return IntensityScale(background=float(np.median(image)), scale=scale if scale > 0 else 1.0)


def plugin_bits(image: NDArray[Any] | StoredPixels) -> int:
    """Return the bits per pixel, 8 or 16.

    Raises
    ------
    DeepZError
        If the image is of a type that the plugin does not know.
    """
    if image.dtype not in (np.uint8, np.uint16):
        raise DeepZError(
            f"an image of type {image.dtype}; the plugin's normalization is for 8- and 16-bit "
            "images (uint8, uint16): convert it, or use the paper's"
        )
    return 8 * image.dtype.itemsize


def landini_triangle(histogram: NDArray[Any]) -> int:
    """Return the triangle threshold of a histogram as ImageJ finds it; foreground lies above.

    Gabriel Landini's version of Zack's method (1977): the line ends at the empty level beyond the
    longer tail, and the level found is one further out than the farthest from the line. It is
    computed in doubles, in ImageJ's order of operations, because ties are decided by rounding.

    Parameters
    ----------
    histogram
        Pixels of each grey level, shape (n,).
    """
    (used,) = np.nonzero(histogram)
    low, high = max(used[0] - 1, 0), min(used[-1] + 1, len(histogram) - 1)
    peak = int(np.argmax(histogram))
    bright_tail = peak - low < high - peak
    counts = histogram.astype(np.float64)
    if bright_tail:
        counts = counts[::-1]
        low, peak = len(counts) - 1 - high, len(counts) - 1 - peak
    across, along = counts[peak], float(low - peak)
    length = np.sqrt(across * across + along * along)
    across, along = across / length, along / length
    place = np.arange(low + 1, peak + 1)
    start = across * low + along * counts[low]
    distance = across * place + along * counts[place] - start
    split = low
    if len(place) and distance.max() > 0:
        split = int(place[np.argmax(distance)])
    split -= 1
    return int(len(counts) - 1 - split if bright_tail else split)


def plugin_grey_levels(
    output: NDArray[np.float32], bits: int, *, imagej_1_52: bool = False
) -> NDArray[Any]:
    """Return the grey levels that the plugin writes.

    Parameters
    ----------
    output
        What the network made, 1 for the highest grey level; float32, any shape.
    bits
        Bits per pixel, 8 or 16.
    imagej_1_52
        ImageJ up to version 1.52 converted to 8 bits with 256 instead of 255 levels.

    Returns
    -------
    ndarray of uint8 or uint16
    """
    highest = np.float32(2**bits - 1)
    levels = np.clip(output * highest, 0, highest)
    if bits == 8 and imagej_1_52:
        levels = levels * np.float32(256 / 255)
    whole: NDArray[Any] = np.floor(np.minimum(levels + np.float32(0.5), highest))
    return whole.astype(np.uint8 if bits == 8 else np.uint16)
