"""Saturated, empty and noisy images."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from deepz_zoo.intensities.noise import signal_to_noise

if TYPE_CHECKING:
    from deepz_zoo.records.limits import MeasuredLimits

_MAX_SATURATED = 1e-3  # fraction of the pixels
_ENOUGH_PX = 2**22
_MIN_SIGNAL_TO_NOISE = 5.0  # where nothing was measured


def camera_image_warnings(
    image: NDArray[Any], limits: MeasuredLimits | None = None
) -> tuple[str, ...]:
    """Return a line for each thing that makes refocusing of a camera image doubtful.

    Parameters
    ----------
    image
        Camera image, shape (y, x).
    limits
        Where the model fails, if it was measured.

    Returns
    -------
    tuple of str
        Empty for an image with nothing to remark.
    """
    highest = image.max()
    if highest == image.min():
        return (f"every pixel of the image is {highest:g}: there is nothing to refocus",)
    found = []
    saturated = np.count_nonzero(image == highest) / image.size
    if image.dtype.kind in "iu" and saturated > _MAX_SATURATED and _is_a_ceiling(int(highest)):
        found.append(
            f"{saturated:.1%} of the pixels are saturated at {highest}; no simulated camera of the "
            "training was, and what they hide cannot be refocused"
        )
    ratio, (least, reason) = signal_to_noise(_sample(image)), min_signal_to_noise(limits)
    if ratio is not None and ratio < least:
        found.append(f"the signal is only {ratio:.1f} times the noise; {reason}")
    return tuple(found)


def _sample(image: NDArray[Any]) -> NDArray[Any]:
    """Return rows that are spread over a large image; neighbors in a row tell the noise."""
    return image[:: -(-image.size // _ENOUGH_PX)]


def _is_a_ceiling(value: int) -> bool:
    """Tell whether a grey level is the highest of a camera with 8 to 16 bits."""
    return value in {2**bits - 1 for bits in range(8, 17)}


def min_signal_to_noise(limits: MeasuredLimits | None) -> tuple[float, str]:
    """Return the ratio under which a model fails, or was not measured, with the reason."""
    curve = limits.curve("signal") if limits else None
    ratios = [p.signal_to_noise for p in curve.points if p.signal_to_noise] if curve else []
    if curve is None or not ratios:
        return _MIN_SIGNAL_TO_NOISE, "weak images come back dim or empty"
    lowest = min(ratios)
    limit, _ = curve.usable()
    if limit is None:
        return lowest, f"the model was measured down to {lowest:.3g} times only"
    least = curve.signal_to_noise_at(limit) or lowest
    return least, f"on simulated images the model failed below {least:.3g} times"
