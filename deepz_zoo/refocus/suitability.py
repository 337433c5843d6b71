"""Tell a user where an image lies outside what a model was trained on."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from deepz_zoo.preprocess import intensity_scale
from deepz_zoo.preprocess.noise import noise_level

_SATURATED_SHARE = 1e-3
_LEAST_SIGNAL_TO_NOISE = 5.0


def image_warnings(image: NDArray[Any]) -> tuple[str, ...]:
    """Return a line for each thing that makes refocusing of a camera image doubtful.

    Parameters
    ----------
    image
        Camera image, shape (y, x).

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
    if (ratio := _signal_to_noise(image)) < _LEAST_SIGNAL_TO_NOISE:
        found.append(
            f"the signal is only {ratio:.1f} times the noise; weak images come back dim or empty"
        )
    return tuple(found)


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


def _signal_to_noise(image: NDArray[Any]) -> float:
    """Return the paper's intensity scale over the noise between neighboring pixels."""
    noise = noise_level(image)
    return intensity_scale(image).scale / noise if noise > 0 else float("inf")
