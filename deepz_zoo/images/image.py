"""An image: its pixels, the names of its axes and its calibration."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Generic

import numpy as np
from typing_extensions import TypeVar

from deepz_zoo.images.stored import Array, StoredPixels

Shape = tuple[int, int]
"""Rows and columns of one image: (y, x) in pixels."""
Pixels = TypeVar("Pixels", Array, StoredPixels, default=Array)
"""In memory, or read plane by plane: most functions take either."""
OtherPixels = TypeVar("OtherPixels", Array, StoredPixels)


@dataclass(frozen=True)
class Acquisition:
    """When, where and with what an image was acquired, as far as its file says.

    Attributes
    ----------
    started
        Date and time as the file writes them, in ISO 8601.
    frame_times_s
        Time of each frame in seconds since then, or empty: where intervals are not equal, too.
    stage_um
        Position (x, y) of the stage in µm.
    microscope
        Maker and model.
    """

    started: str | None = None
    frame_times_s: tuple[float, ...] = ()
    stage_um: tuple[float, float] | None = None
    microscope: str | None = None


_UNKNOWN = Acquisition()


@dataclass(frozen=True)
class Calibration:
    """What is written beside the pixels of an image.

    Attributes
    ----------
    pixel_size_um
        Lateral sampling in µm, or None where it is unknown.
    z_um
        Position of each plane along z in µm; a single one where there is no z axis; None where
        they are unknown. Steps need not be equal: every plane carries its own position.
    channel_names
        A name per channel, or empty.
    frame_interval_s
        Time between frames in seconds, or None.
    emission_um, numerical_aperture, immersion, colors, acquisition
        As in `Image`.
    """

    pixel_size_um: float | None = None
    z_um: tuple[float, ...] | None = None
    channel_names: tuple[str, ...] = ()
    frame_interval_s: float | None = None
    emission_um: tuple[float | None, ...] = ()
    numerical_aperture: float | None = None
    immersion: str | None = None
    colors: tuple[str | None, ...] = ()
    acquisition: Acquisition = _UNKNOWN

    def __post_init__(self) -> None:
        """Check that no file will state NaN, infinity or a size below 0."""
        for value in (self.pixel_size_um, self.frame_interval_s):
            if value is not None and not 0 < value < math.inf:
                raise ValueError(f"a calibration of {value}; expected a number above 0")
        if not all(map(math.isfinite, self.z_um or ())):
            raise ValueError(f"planes at {self.z_um} µm; expected finite positions")


@dataclass(frozen=True, eq=False)
class Image(Generic[Pixels]):
    """Pixels with the names of their axes and what the file states of their acquisition.

    An `Image` holds its pixels. An ``Image[StoredPixels]``, from `open_image`, reads a plane when
    it is asked for, and so takes no more memory than a plane.

    Attributes
    ----------
    data
        The pixels as the file holds them, with y and x last.
    axes
        A letter for each axis: t (time), z, c (channel), y, x; q for an axis that the file does
        not name.
    pixel_size_um
        Lateral sampling in µm, or None where the file does not say.
    z_step_um
        Distance between planes in µm, or None.
    z_origin_um
        Axial position of the first plane (of the only plane, where there is no z axis) in µm.
    channel_names
        A name per channel, or empty.
    frame_interval_s
        Time between frames in seconds, or None.
    emission_um
        Emission wavelength of each channel in µm, None where the file does not say; or empty.
    numerical_aperture, immersion
        Of the objective, where the file says it; the immersion as OME names it: Air, Water, Oil, ….
    colors
        Color in which each channel is shown, as ``"#ff0000"``, None where there is none; or empty.
    acquisition
        When, where and with what it was acquired.
    warnings
        What a user should know of the file, a line each.
    """

    data: Pixels
    axes: str
    pixel_size_um: float | None = None
    z_step_um: float | None = None
    z_origin_um: float = 0.0
    channel_names: tuple[str, ...] = ()
    frame_interval_s: float | None = None
    emission_um: tuple[float | None, ...] = ()
    numerical_aperture: float | None = None
    immersion: str | None = None
    colors: tuple[str | None, ...] = ()
    acquisition: Acquisition = _UNKNOWN
    warnings: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        """Check that the axes fit the data."""
        if len(self.axes) != self.data.ndim or not self.axes.endswith("yx"):
            raise ValueError(f"axes {self.axes!r} do not fit data of shape {self.data.shape}")

    def with_data(self, data: OtherPixels, axes: str) -> Image[OtherPixels]:
        """Return an image with other pixels and axes, of which the file states the same."""
        return Image(**(vars(self) | {"data": data, "axes": axes}))

    @property
    def plane_count(self) -> int:
        """Number of planes: of all frames, positions along z and channels."""
        return math.prod(self.data.shape[:-2])

    def plane(self, number: int) -> Array:
        """Return one plane (y, x); they are counted from 0, the last axis fastest."""
        index = np.unravel_index(number, self.data.shape[:-2])
        plane: Array = self.data[tuple(map(int, index))]
        return plane

    def planes(self) -> Iterator[Array]:
        """Yield one plane (y, x) after another."""
        return map(self.plane, range(self.plane_count))

    @property
    def z_um(self) -> tuple[float, ...] | None:
        """Axial position of each plane in µm, or None where z is not calibrated."""
        if "z" not in self.axes:
            return (self.z_origin_um,)
        if self.z_step_um is None:
            return None
        planes = self.data.shape[self.axes.index("z")]
        return tuple(round(self.z_origin_um + i * self.z_step_um, 9) for i in range(planes))

    @property
    def calibration(self) -> Calibration:
        """What `NewImage` takes."""
        return Calibration(
            self.pixel_size_um,
            self.z_um,
            self.channel_names,
            self.frame_interval_s,
            self.emission_um,
            self.numerical_aperture,
            self.immersion,
            self.colors,
            self.acquisition,
        )


def even_step(z_um: Sequence[float]) -> float | None:
    """Return the step of equally spaced positions in µm, or None for others or a single one."""
    if len(z_um) < 2:
        return None
    steps = np.diff(np.asarray(z_um, dtype=float))
    even = bool(np.allclose(steps, steps[0], rtol=1e-3, atol=1e-6)) and steps[0] != 0
    return round(float(np.mean(steps)), 9) if even else None
