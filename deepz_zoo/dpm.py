"""Digital propagation matrices: the axial distance of the wanted surface at each pixel, in µm.

A positive value asks for a surface at a higher index of a stack acquired in increasing stage z.
A surface is data; its method ``dpm`` gives the matrix for an image of a shape and a pixel size.
"""

from __future__ import annotations

import math
import os
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from deepz_zoo.errors import DeepZError
from deepz_zoo.images import Shape, read_image

DPM = npt.NDArray[np.float32]
"""Distances in µm, shape (y, x)."""
Axis = Literal["x", "y"]

# The paper, Supplementary Fig. S7: surfaces that oscillate over 8 µm with a lateral period below
# 100 pixels of 0.325 µm come out with artifacts.
SHORTEST_PERIOD_UM = 32.5
_PAPER_OSCILLATION_UM = 8.0
_STEEPEST_SLOPE = math.pi * _PAPER_OSCILLATION_UM / SHORTEST_PERIOD_UM
# Less than this (rms) is far below the depth of field of the zoo's objectives and does no harm.
_HARMLESS_RMS_UM = 0.25
_NOTABLE_FRACTION = 0.1  # of the variance that is left after the slow trend
_PART_PX = 2048  # side of what is looked at together, in some 200 bytes for each pixel


@dataclass(frozen=True)
class Plane:
    """A plane parallel to the focal plane.

    Attributes
    ----------
    z_um
        Its distance in µm.
    """

    z_um: float

    def dpm(self, shape: Shape, pixel_size_um: float) -> DPM:
        """Return the DPM for an image, float32; the pixel size does not matter."""
        return np.full(shape, self.z_um, dtype=np.float32)

    def __str__(self) -> str:
        """Name the surface."""
        return f"a plane at {self.z_um:+g} µm"


@dataclass(frozen=True)
class Tilt:
    """A plane that is tilted around a line through the center of the image.

    Attributes
    ----------
    degrees
        Angle to the focal plane. Where it is positive, z grows from left to right (``axis="y"``)
        or from top to bottom (``axis="x"``).
    axis
        The axis around which the plane is tilted: the surface does not change along it.
    offset_um
        Distance at the center in µm.

    Raises
    ------
    DeepZError
        When the angle is not between -90° and 90°.
    """

    degrees: float
    axis: Axis = "y"
    offset_um: float = 0.0

    def __post_init__(self) -> None:
        """Check the angle."""
        if not abs(self.degrees) < 90:
            raise DeepZError(f"a tilt of {self.degrees:g}°: expected an angle between -90° and 90°")

    def dpm(self, shape: Shape, pixel_size_um: float) -> DPM:
        """Return the DPM for an image of a shape (y, x) and a pixel size in µm, float32."""
        slope = math.tan(math.radians(self.degrees))
        distance_um = _distance_from_center(shape, self.axis, pixel_size_um)
        return _spread(self.offset_um + slope * distance_um, shape)

    def __str__(self) -> str:
        """Name the surface."""
        return f"a plane tilted by {self.degrees:g}° around {self.axis}{_at(self.offset_um)}"


@dataclass(frozen=True)
class Cylinder:
    """The surface of a cylinder whose apex line runs through the center of the image.

    The paper's Fig. 4 corrects beads on a glass tube of 7.2 mm in this way.

    Attributes
    ----------
    diameter_um
        With a positive diameter z falls away from the apex, with a negative one it rises.
    axis
        The axis that the cylinder runs along: the surface does not change along it.
    offset_um
        Distance at the apex in µm.
    """

    diameter_um: float
    axis: Axis = "y"
    offset_um: float = 0.0

    def dpm(self, shape: Shape, pixel_size_um: float) -> DPM:
        """Return the DPM for an image of a shape (y, x) and a pixel size in µm, float32.

        Raises
        ------
        DeepZError
            When the image is wider than the cylinder.
        """
        radius_um = abs(self.diameter_um) / 2
        distance_um = _distance_from_center(shape, self.axis, pixel_size_um)
        if not radius_um > (half_width_um := float(np.max(np.abs(distance_um)))):
            raise DeepZError(
                f"a cylinder of diameter {self.diameter_um:g} µm does not span the image, which "
                f"is {2 * half_width_um:.4g} µm wide: give its diameter in µm (7200 for 7.2 mm)"
            )
        # The sagitta; in this form small differences of large numbers do not occur.
        depth_um = distance_um**2 / (radius_um + np.sqrt(radius_um**2 - distance_um**2))
        sign = math.copysign(1.0, self.diameter_um)
        return _spread(self.offset_um - sign * depth_um, shape)

    def __str__(self) -> str:
        """Name the surface."""
        diameter = f"{self.diameter_um:g} µm"
        return f"a cylinder of diameter {diameter} along {self.axis}{_at(self.offset_um)}"


@dataclass(frozen=True)
class Sinusoid:
    """A surface that oscillates along an axis, as in the paper's Fig. S7.

    Attributes
    ----------
    period_px
        Lateral period in pixels.
    z_min_um, z_max_um
        Range of the oscillation in µm; the paper's is -9 to -1 µm.
    axis
        The axis **along** which it oscillates. The center of the image is a zero crossing.

    Raises
    ------
    DeepZError
        When the period is not positive, or the ends of the range are in the wrong order.
    """

    period_px: float
    z_min_um: float
    z_max_um: float
    axis: Axis = "x"

    def __post_init__(self) -> None:
        """Check the period and the range."""
        if not self.period_px > 0:
            raise DeepZError(
                f"a sinusoid with a period of {self.period_px:g} px: expected more than 0"
            )
        if not self.z_min_um <= self.z_max_um:
            raise DeepZError(
                f"a sinusoid from {self.z_min_um:g} to {self.z_max_um:g} µm: expected ZMIN <= ZMAX"
            )

    def dpm(self, shape: Shape, pixel_size_um: float) -> DPM:
        """Return the DPM for an image, float32; the pixel size does not matter."""
        constant_along: Axis = "y" if self.axis == "x" else "x"
        distance_px = _distance_from_center(shape, constant_along, 1.0)
        middle, amplitude = (self.z_max_um + self.z_min_um) / 2, (self.z_max_um - self.z_min_um) / 2
        phase = 2 * math.pi * distance_px / self.period_px
        return _spread(middle + amplitude * np.sin(phase), shape)

    def __str__(self) -> str:
        """Name the surface."""
        ends = f"{self.z_min_um:g} to {self.z_max_um:g} µm"
        return f"a sinusoid of period {self.period_px:g} px along {self.axis}, {ends}"


@dataclass(frozen=True, eq=False)
class HeightMap:
    """The surface that an image of heights describes.

    Attributes
    ----------
    source
        An image file or an array. Floating-point values are µm; integers are grey levels.
    um_per_grey_level
        Height of one grey level; needed for integers, and a factor on floating-point values.
    offset_um
        Added to every height: the distance of grey level 0, in µm.
    """

    source: str | os.PathLike[str] | npt.NDArray[Any]
    um_per_grey_level: float | None = None
    offset_um: float = 0.0

    def dpm(self, shape: Shape, pixel_size_um: float) -> DPM:
        """Return the DPM for an image of a shape (y, x), float32; the pixel size does not matter.

        Raises
        ------
        DeepZError
            When the file cannot be read, the map is not one plane of that shape, it holds NaN or
            infinity, or it holds grey levels whose height is not given.
        """
        values = (
            self.source if isinstance(self.source, np.ndarray) else read_image(self.source).data
        )
        if values.ndim != 2:
            raise DeepZError(
                f"{self._name} has {values.ndim} axes ({_size(values.shape)}); expected one plane"
            )
        if values.shape != tuple(shape):
            raise DeepZError(
                f"{self._name} is {_size(values.shape)} px (y × x), the image is {_size(shape)}; "
                "expected a height for each pixel: rescale the map"
            )
        if values.dtype.kind != "f" and self.um_per_grey_level is None:
            raise DeepZError(
                f"{self._name} holds {values.dtype} grey levels: for a height map set "
                "`um_per_grey_level`, or save it as 32-bit float in µm"
            )
        factor = 1.0 if self.um_per_grey_level is None else self.um_per_grey_level
        dpm = values.astype(np.float64) * factor
        if not np.isfinite(dpm).all():
            raise DeepZError(
                f"{self._name} holds NaN or infinite heights; expected a number for each pixel"
            )
        return (dpm + self.offset_um).astype(np.float32)

    @property
    def _name(self) -> str:
        return "the height map" if isinstance(self.source, np.ndarray) else str(self.source)

    def __str__(self) -> str:
        """Name the surface."""
        return f"the surface of {self._name}"


Surface = Plane | Tilt | Cylinder | Sinusoid | HeightMap


def thin_dpm(surface: Surface, shape: Shape, pixel_size_um: float) -> DPM:
    """Return one row or one column of a DPM whose others are the same, else the whole DPM.

    Parameters
    ----------
    surface
        What is wanted.
    shape
        (y, x) of the image.
    pixel_size_um
        Sampling of the image.

    Returns
    -------
    ndarray of float32
        Of a shape that ``np.broadcast_to`` takes to `shape`: (1, x), (y, 1) or (y, x).
    """
    if isinstance(surface, (Tilt, Cylinder)):
        constant_along = surface.axis
    elif isinstance(surface, Sinusoid):
        constant_along = "y" if surface.axis == "x" else "x"
    else:
        return surface.dpm(shape, pixel_size_um)
    thin = (shape[0], 1) if constant_along == "x" else (1, shape[1])
    return surface.dpm(thin, pixel_size_um)


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
        When a value lies outside and `clip` is off, or is NaN or infinite.
    """
    lowest, highest = float(np.min(dpm)), float(np.max(dpm))
    if not (math.isfinite(lowest) and math.isfinite(highest)):
        raise DeepZError("the DPM holds NaN or infinite distances; expected µm at each pixel")
    tolerance = 1e-5 * z_range_um  # float32 holds 9.9999999 where 10 was meant
    if clip:
        return np.asarray(np.clip(dpm, -z_range_um, z_range_um), dtype=np.float32)
    if lowest < -z_range_um - tolerance or highest > z_range_um + tolerance:
        raise DeepZError(
            f"the wanted surface goes from {lowest:+.4g} to {highest:+.4g} µm, the model was "
            f"trained from {-z_range_um:+g} to {z_range_um:+g} µm: stay inside, or set `clip`"
        )
    return np.asarray(dpm, dtype=np.float32)


def clipping_warning(dpm: npt.NDArray[Any], z_range_um: float) -> str | None:
    """Return a line with the fraction of a surface outside the trained range, or None."""
    limit = z_range_um * (1 + 1e-5)
    outside = (np.count_nonzero(dpm > limit) + np.count_nonzero(dpm < -limit)) / dpm.size
    if outside == 0:
        return None
    return (
        f"{outside:.1%} of the wanted surface (from {np.min(dpm):+.4g} to {np.max(dpm):+.4g} µm) "
        f"lay outside the trained range and was set to ±{z_range_um:g} µm"
    )


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
    parts = list(_parts(dpm, max(_PART_PX, math.ceil(8 * limit_px))))
    if (rms := max(_fast_rms(part, limit_px) for part in parts)) > _HARMLESS_RMS_UM:
        return f"the DPM has fast lateral changes ({rms:.2g} µm rms); {rule}"
    if (slope := max(_steepest(part, pixel_size_um) for part in parts)) > _STEEPEST_SLOPE:
        return f"the DPM is as steep as {slope:.2g} µm per µm; {rule}"
    return None


def _parts(dpm: npt.NDArray[Any], side_px: int) -> Iterator[npt.NDArray[Any]]:
    """Yield a large surface in parts of about one size, which share their edges."""
    rows, columns = (
        [slice(n * i // count, n * (i + 1) // count + 1) for i in range(count)]
        for n, count in ((n, -(-n // side_px)) for n in dpm.shape)
    )
    for row, column in product(rows, columns):
        yield dpm[row, column]


def _fast_rms(dpm: npt.NDArray[Any], limit_px: float) -> float:
    """Return the rms of the part of a surface with periods below the limit, 0 if a minor part."""
    rest = _without_slow_trend(np.asarray(dpm, dtype=np.float64))
    rows, columns = (np.hanning(n + 2)[1:-1] for n in dpm.shape)
    window = rows[:, None] * columns
    power = np.abs(np.fft.fft2(rest * window)) ** 2
    frequencies = np.hypot(np.fft.fftfreq(dpm.shape[0])[:, None], np.fft.fftfreq(dpm.shape[1]))
    # The window widens every line by about a bin, which must not push a slow period over the limit.
    fast = power[frequencies > 1 / limit_px + 0.5 / max(dpm.shape)].sum()
    if fast <= _NOTABLE_FRACTION * power.sum():
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
    """Return the distance in µm from the line through the center along `axis`.

    One row or one column: it is the same for all others.
    """
    if not pixel_size_um > 0:
        raise DeepZError(f"a pixel size of {pixel_size_um:g} µm: expected more than 0")
    length = shape[0] if axis == "x" else shape[1]
    distance_um = (np.arange(length, dtype=np.float64) - (length - 1) / 2) * pixel_size_um
    return distance_um[:, None] if axis == "x" else distance_um[None, :]


def _spread(profile: npt.NDArray[np.float64], shape: Shape) -> DPM:
    """Repeat a row or a column over an image; no larger array is made than this."""
    return np.array(np.broadcast_to(profile.astype(np.float32), shape))


def _at(offset_um: float) -> str:
    return f", at {offset_um:+g} µm in the center" if offset_um else ""


def _size(shape: tuple[int, ...]) -> str:
    return " × ".join(map(str, shape))
