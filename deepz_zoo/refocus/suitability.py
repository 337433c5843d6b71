"""Tell a user where an image lies outside what a model was trained on."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from deepz_zoo.intensities.noise import signal_to_noise

if TYPE_CHECKING:
    from deepz_zoo.records.limits import MeasuredLimits

_SATURATED_SHARE = 1e-3
_LEAST_SIGNAL_TO_NOISE = 5.0  # where nothing was measured


def image_warnings(image: NDArray[Any], limits: MeasuredLimits | None = None) -> tuple[str, ...]:
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
    saturated = float(np.mean(image == highest))
    if image.dtype.kind in "iu" and saturated > _SATURATED_SHARE and _is_a_ceiling(int(highest)):
        found.append(
            f"{saturated:.1%} of the pixels are saturated at {highest}; no simulated camera of the "
            "training was, and what they hide cannot be refocused"
        )
    ratio, (least, reason) = signal_to_noise(image), _least_signal_to_noise(limits)
    if ratio is not None and ratio < least:
        found.append(f"the signal is only {ratio:.1f} times the noise; {reason}")
    return tuple(found)


def pixel_size_warning(zoom: float, limits: MeasuredLimits | None) -> str | None:
    """Return a line where pixels of the wrong size were found to make a model fail, or None.

    Parameters
    ----------
    zoom
        Pixel size of the image that the network sees, over the model's.
    limits
        Where the model fails, if it was measured.
    """
    curve = limits.curve("pixel_size") if limits else None
    low, high = curve.usable() if curve else (None, None)
    small, large = low is not None and zoom < low, high is not None and zoom > high
    if not small and not large:
        return None
    return (
        f"the pixels are {zoom:.3g} times the model's; on simulated images it failed "
        f"{f'below {low:g}' if small else f'above {high:g}'} times, so use --resample"
    )


def clipping_warning(dpm: NDArray[Any], z_range_um: float) -> str | None:
    """Return a line with the share of a surface that lies outside the trained range, or None."""
    outside = float(np.mean(np.abs(dpm) > z_range_um * (1 + 1e-5)))
    if outside == 0:
        return None
    return (
        f"{outside:.1%} of the wanted surface (from {np.min(dpm):+.4g} to {np.max(dpm):+.4g} µm) "
        f"lay outside the trained range and was set to ±{z_range_um:g} µm"
    )


def _is_a_ceiling(value: int) -> bool:
    """Tell whether a grey level is the highest of a camera with 8 to 16 bits."""
    return value in {2**bits - 1 for bits in range(8, 17)}


def _least_signal_to_noise(limits: MeasuredLimits | None) -> tuple[float, str]:
    """Return the ratio under which a model fails, or was not measured, with the reason."""
    curve = limits.curve("signal") if limits else None
    ratios = [p.signal_to_noise for p in curve.points if p.signal_to_noise] if curve else []
    if curve is None or not ratios:
        return _LEAST_SIGNAL_TO_NOISE, "weak images come back dim or empty"
    lowest = min(ratios)
    limit, _ = curve.usable()
    if limit is None:
        return lowest, f"the model was measured down to {lowest:.3g} times only"
    least = curve.signal_to_noise_at(limit) or lowest
    return least, f"on simulated images the model failed below {least:.3g} times"
