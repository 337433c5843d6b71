"""Digital propagation matrices: the axial distance of the wanted surface at each pixel, in µm.

A positive value asks for a surface at a higher index of a stack acquired in increasing stage z.
All builders return float32 arrays of shape (y, x) that are zero, or `offset_um`, at the center of
the image.
"""

from __future__ import annotations

import math
import os
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from deepz_zoo.errors import DeepZError
from deepz_zoo.images import Shape, read_image

DPM = npt.NDArray[np.float32]
Axis = Literal["x", "y"]

# The paper, Supplementary Fig. S7: surfaces that oscillate over 8 µm with a lateral period below
# 100 pixels of 0.325 µm come out with artifacts.
SHORTEST_PERIOD_UM = 32.5
_PAPER_OSCILLATION_UM = 8.0
_STEEPEST_SLOPE = math.pi * _PAPER_OSCILLATION_UM / SHORTEST_PERIOD_UM
# Less than this (rms) is far below the depth of field of the zoo's objectives and does no harm.
_HARMLESS_RMS_UM = 0.25
_NOTABLE_SHARE = 0.1  # of the variance that is left after the slow trend


def uniform(shape: Shape, z_um: float) -> DPM:
    """Return the DPM of a plane at distance `z_um`."""
    return np.full(shape, z_um, dtype=np.float32)


def tilt(
    shape: Shape, degrees: float, *, axis: Axis, pixel_size_um: float, offset_um: float = 0.0
) -> DPM:
    """Return the DPM of a plane that is tilted around a line through the image's center.

    Parameters
    ----------
    shape
        (y, x) in pixels.
    degrees
        Angle to the focal plane. Where it is positive, z grows from left to right (``axis="y"``)
        or from top to bottom (``axis="x"``).
    axis
        The axis around which the plane is tilted: the surface does not change along it.
    pixel_size_um
        Lateral sampling.
    offset_um
        Distance at the center.

    Returns
    -------
    ndarray of float32, shape (y, x)
    """
    if not abs(degrees) < 90:
        raise DeepZError(f"a tilt of {degrees:g}°: expected an angle between -90° and 90°")
    distance_um = _distance_from_center(shape, axis, pixel_size_um)
    return (offset_um + math.tan(math.radians(degrees)) * distance_um).astype(np.float32)


def cylinder(
    shape: Shape, diameter_um: float, *, axis: Axis, pixel_size_um: float, offset_um: float = 0.0
) -> DPM:
    """Return the DPM of a cylinder's surface whose apex line runs through the image's center.

    The paper's Fig. 4 corrects beads on a glass tube of 7.2 mm in this way.

    Parameters
    ----------
    shape
        (y, x) in pixels.
    diameter_um
        With a positive diameter z falls away from the apex, with a negative one it rises.
    axis
        The axis that the cylinder runs along: the surface does not change along it.
    pixel_size_um
        Lateral sampling.
    offset_um
        Distance at the apex.

    Returns
    -------
    ndarray of float32, shape (y, x)
    """
    radius_um = abs(diameter_um) / 2
    distance_um = _distance_from_center(shape, axis, pixel_size_um)
    if not radius_um > (reach := float(np.max(np.abs(distance_um)))):
        raise DeepZError(
            f"a cylinder of diameter {diameter_um:g} µm does not span the image, which is "
            f"{2 * reach:.4g} µm wide: give its diameter in µm (7200 for 7.2 mm)"
        )
    # The sagitta; in this form small differences of large numbers do not occur.
    depth_um = distance_um**2 / (radius_um + np.sqrt(radius_um**2 - distance_um**2))
    return (offset_um - math.copysign(1.0, diameter_um) * depth_um).astype(np.float32)


def sinusoid(
    shape: Shape, period_px: float, z_min_um: float, z_max_um: float, *, axis: Axis
) -> DPM:
    """Return the DPM of a surface that oscillates along an axis, as in the paper's Fig. S7.

    Parameters
    ----------
    shape
        (y, x) in pixels.
    period_px
        Lateral period in pixels.
    z_min_um, z_max_um
        Range of the oscillation; the paper's is -9 to -1 µm.
    axis
        The axis **along** which it oscillates. The center of the image is a zero crossing.

    Returns
    -------
    ndarray of float32, shape (y, x)
    """
    if not period_px > 0:
        raise DeepZError(f"a sinusoid with a period of {period_px:g} px: expected more than 0")
    if not z_min_um <= z_max_um:
        raise DeepZError(f"a sinusoid from {z_min_um:g} to {z_max_um:g} µm: expected ZMIN <= ZMAX")
    constant_along: Axis = "y" if axis == "x" else "x"
    phase = 2 * math.pi * _distance_from_center(shape, constant_along, 1.0) / period_px
    middle, amplitude = (z_max_um + z_min_um) / 2, (z_max_um - z_min_um) / 2
    return (middle + amplitude * np.sin(phase)).astype(np.float32)


def height_map(
    source: str | os.PathLike[str] | npt.NDArray[Any],
    shape: Shape | None = None,
    *,
    um_per_grey_level: float | None = None,
    offset_um: float = 0.0,
) -> DPM:
    """Return the DPM that an image of heights describes.

    Parameters
    ----------
    source
        An image file or an array. Floating-point values are µm; integers are grey levels.
    shape
        (y, x) of the image to refocus, which the map must have too; None accepts any.
    um_per_grey_level
        Height of one grey level; needed for integers, and a factor on floating-point values.
    offset_um
        Added to every height: the distance of grey level 0.

    Returns
    -------
    ndarray of float32, shape (y, x)

    Raises
    ------
    DeepZError
        When the file cannot be read, the map is not one plane of the expected shape, holds values
        that are no numbers, or holds grey levels whose height is not given.
    """
    if isinstance(source, np.ndarray):
        name, values = "the height map", source
    else:
        name, values = str(source), read_image(source).data
    if values.ndim != 2:
        raise DeepZError(
            f"{name} has {values.ndim} axes ({_size(values.shape)}); expected one plane"
        )
    if shape is not None and values.shape != tuple(shape):
        raise DeepZError(
            f"{name} is {_size(values.shape)} px (y × x), the image is {_size(shape)}; expected a "
            "height for each pixel: rescale the map"
        )
    if values.dtype.kind != "f" and um_per_grey_level is None:
        raise DeepZError(
            f"{name} holds {values.dtype} grey levels; say how high one is (--height-map "
            "with --um-per-level), or "
            "save the map as 32-bit float in µm"
        )
    dpm = values.astype(np.float64) * (1.0 if um_per_grey_level is None else um_per_grey_level)
    if not np.isfinite(dpm).all():
        raise DeepZError(f"{name} holds NaN or infinite heights; expected a number for each pixel")
    return (dpm + offset_um).astype(np.float32)


def check_range(dpm: npt.NDArray[Any], z_range_um: float, *, clip: bool = False) -> DPM:
    """Return the DPM if it lies within the range that a model was trained on.

    Parameters
    ----------
    dpm
        Distances in µm, of any shape.
    z_range_um
        Half of the range: 10 allows -10 to +10 µm.
    clip
        Whether to move values outside the range to its nearest end, instead of refusing.

    Raises
    ------
    DeepZError
        When a value lies outside and `clip` is off, or is no number.
    """
    lowest, highest = float(np.min(dpm)), float(np.max(dpm))
    if not (math.isfinite(lowest) and math.isfinite(highest)):
        raise DeepZError("the DPM holds NaN or infinite distances; expected µm at each pixel")
    tolerance = 1e-5 * z_range_um  # float32 holds 9.9999999 where 10 was meant
    if clip:
        return np.asarray(np.clip(dpm, -z_range_um, z_range_um), dtype=np.float32)
    if lowest < -z_range_um - tolerance or highest > z_range_um + tolerance:
        raise DeepZError(
            f"the wanted surface reaches from {lowest:+.4g} to {highest:+.4g} µm, the model was "
            f"trained from {-z_range_um:+g} to {z_range_um:+g} µm: stay inside, or use --clip"
        )
    return np.asarray(dpm, dtype=np.float32)


def lateral_limit_warning(dpm: npt.NDArray[Any], pixel_size_um: float) -> str | None:
    """Return a warning if the surface changes faster than the paper found reliable.

    Sinusoidal surfaces over a range of 8 µm refocus reliably where their period exceeds 100 pixels
    of 0.325 µm (Results; Supplementary Fig. S7). Two signs count: a notable part of the surface
    with periods below that, or places steeper than any on the shortest reliable sinusoid.

    Parameters
    ----------
    dpm
        Distances in µm, shape (y, x).
    pixel_size_um
        Lateral sampling.

    Returns
    -------
    str or None
        One line, or None where the surface is smooth enough.
    """
    if min(dpm.shape) < 2:
        return None
    limit_px = SHORTEST_PERIOD_UM / pixel_size_um
    rule = (
        f"periods below {SHORTEST_PERIOD_UM:g} µm ({limit_px:.0f} px here) are unreliable: "
        "expect artifacts, and smooth the DPM if you can"
    )
    if (rms := _fast_rms(dpm, limit_px)) > _HARMLESS_RMS_UM:
        return f"the DPM has fast lateral changes ({rms:.2g} µm rms); {rule}"
    if (slope := _steepest(dpm, pixel_size_um)) > _STEEPEST_SLOPE:
        return f"the DPM is as steep as {slope:.2g} µm per µm; {rule}"
    return None


def _fast_rms(dpm: npt.NDArray[Any], limit_px: float) -> float:
    """Return the rms of the part of a surface with periods below the limit, 0 if a minor part."""
    rest = _without_slow_trend(np.asarray(dpm, dtype=np.float64))
    rows, columns = (np.hanning(n + 2)[1:-1] for n in dpm.shape)
    window = rows[:, None] * columns
    power = np.abs(np.fft.fft2(rest * window)) ** 2
    frequencies = np.hypot(np.fft.fftfreq(dpm.shape[0])[:, None], np.fft.fftfreq(dpm.shape[1]))
    # The window widens every line by about a bin, which must not push a slow period over the limit.
    fast = power[frequencies > 1 / limit_px + 0.5 / max(dpm.shape)].sum()
    if fast <= _NOTABLE_SHARE * power.sum():
        return 0.0
    return math.sqrt(fast / (dpm.size * np.sum(window**2)))


def _without_slow_trend(surface: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Remove the best second-order surface: tilt and the curvature of a tube are no oscillation."""
    y, x = (np.linspace(-1, 1, n) for n in surface.shape)
    basis = [np.outer(y**i, x**j).ravel() for i in range(3) for j in range(3 - i)]
    design = np.stack(basis, axis=1)
    coefficients, *_ = np.linalg.lstsq(design.T @ design, design.T @ surface.ravel(), rcond=None)
    return np.asarray(surface - (design @ coefficients).reshape(surface.shape))


def _steepest(dpm: npt.NDArray[Any], pixel_size_um: float) -> float:
    """Return the largest slope, in µm per µm."""
    along_y, along_x = np.gradient(np.asarray(dpm, dtype=np.float64), pixel_size_um)
    return float(np.hypot(along_y, along_x).max())


def _distance_from_center(
    shape: Shape, axis: Axis, pixel_size_um: float
) -> npt.NDArray[np.float64]:
    """Return each pixel's distance in µm from the line through the center along `axis`."""
    if not pixel_size_um > 0:
        raise DeepZError(f"a pixel size of {pixel_size_um:g} µm: expected more than 0")
    y, x = ((np.arange(n) - (n - 1) / 2) * pixel_size_um for n in shape)
    across = y[:, None] if axis == "x" else x[None, :]
    return np.broadcast_to(across, shape)


def _size(shape: tuple[int, ...]) -> str:
    return " × ".join(map(str, shape))
