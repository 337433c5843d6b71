"""What will be refocused onto what: decided and checked before the network runs."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from deepz_zoo.dpm import DPM, check_range, lateral_limit_warning
from deepz_zoo.errors import DeepZError
from deepz_zoo.images.sampling import Mismatch, Sampling, find_sampling
from deepz_zoo.refocus.planes import SMALLEST_SIDE_PX, refocus_planes
from deepz_zoo.refocus.recorded_optics import optics_warnings
from deepz_zoo.refocus.suitability import (
    clipping_warning,
    image_warnings,
    pixel_size_warning,
)
from deepz_zoo.refocus.tiling import DEFAULT_TILE_PX

if TYPE_CHECKING:
    from deepz_zoo.images import Image
    from deepz_zoo.network.graph.wrapper import DeepZModel
    from deepz_zoo.optics import ImagingSystem
    from deepz_zoo.records.limits import MeasuredLimits

SurfaceBuilder = Callable[[tuple[int, int], float], DPM]
"""Makes a DPM from a shape (y, x) and the pixel size in µm."""


@dataclass(frozen=True, eq=False)
class RefocusPlan:
    """A checked job.

    Attributes
    ----------
    frames
        One image (``yx``) or a time series (``tyx``).
    surfaces
        Distances in µm, or DPMs on the grid of the frames.
    pixel_size_um
        Sampling of the frames.
    sampling
        The grid on which the network sees them.
    warnings
        A line for each thing that the user should know.
    """

    frames: Image
    surfaces: tuple[float | DPM, ...]
    pixel_size_um: float
    sampling: Sampling
    warnings: tuple[str, ...]

    @property
    def z_um(self) -> tuple[float, ...] | None:
        """Distances of the planes, or None for a surface."""
        if any(isinstance(surface, np.ndarray) for surface in self.surfaces):
            return None
        return tuple(float(surface) for surface in self.surfaces)

    @property
    def axes(self) -> str:
        """Axes of the result: of t, z, y and x those that it has."""
        return self.frames.axes.replace("yx", "zyx") if len(self.surfaces) > 1 else self.frames.axes

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of the result."""
        *leading, ny, nx = self.frames.data.shape
        planes = (len(self.surfaces),) if len(self.surfaces) > 1 else ()
        return (*leading, *planes, ny, nx)

    def run(
        self, model: DeepZModel, *, tile_px: int = DEFAULT_TILE_PX
    ) -> Iterator[NDArray[np.float32]]:
        """Yield the planes of the result, frame by frame and z by z, each of shape (y, x)."""
        surfaces = [
            self.sampling.dpm_to_model(surface) if isinstance(surface, np.ndarray) else surface
            for surface in self.surfaces
        ]
        for frame in _as_series(self.frames):
            seen = self.sampling.to_model(frame)
            for refocused in refocus_planes(model, seen, surfaces, tile_px=tile_px):
                yield self.sampling.from_model(refocused)


def plan_refocus(
    frames: Image,
    system: ImagingSystem,
    target: Sequence[float] | SurfaceBuilder,
    *,
    pixel_size_um: float | None = None,
    mismatch: Mismatch = "refuse",
    clip: bool = False,
    limits: MeasuredLimits | None = None,
) -> RefocusPlan:
    """Check an image and a target against a model's system.

    Parameters
    ----------
    frames
        One image or a time series, axes ``yx`` or ``tyx``.
    system
        What the model was trained for.
    target
        Distances in µm, or a function that makes a DPM from a shape and a pixel size.
    pixel_size_um
        Sampling of the frames, where their own is missing or wrong.
    mismatch
        What to do where it differs from the model's, see `find_sampling`.
    clip
        Whether to clip distances outside the trained range, instead of refusing them.
    limits
        Where the model was measured to fail: warnings go by it.

    Raises
    ------
    DeepZError
        When the frames are too small, the pixel size does not fit or the target lies outside the
        trained range.
    """
    if frames.axes not in ("yx", "tyx"):
        raise ValueError(f"axes {frames.axes!r}; expected 'yx' or 'tyx'")
    pixel_um, warnings = _pixel_size(frames, pixel_size_um, system)
    shape = (frames.data.shape[-2], frames.data.shape[-1])
    sampling = find_sampling(shape, pixel_um, system.pixel_size_um, mismatch)
    _check_size(sampling)
    if sampling.resamples:
        warnings.append(
            f"resampled from {pixel_um:.4g} to {system.pixel_size_um:.4g} µm a pixel "
            f"({_size(shape)} to {_size(sampling.model_shape)} px) for the network, and back"
        )
    elif doubt := pixel_size_warning(pixel_um / system.pixel_size_um, limits):
        warnings.append(doubt)
    surfaces, doubts = _surfaces(target, shape, pixel_um, system.z_range_um, clip)
    warnings += doubts
    warnings += optics_warnings(frames, system)
    warnings += image_warnings(_as_series(frames)[0], limits)
    return RefocusPlan(frames, surfaces, pixel_um, sampling, tuple(warnings))


def _pixel_size(
    frames: Image, given_um: float | None, system: ImagingSystem
) -> tuple[float, list[str]]:
    """Return the pixel size to believe, and what to say about it."""
    if given_um is not None:
        return given_um, []
    if frames.pixel_size_um is not None:
        return frames.pixel_size_um, []
    return system.pixel_size_um, [
        f"the image does not say its pixel size; assuming the model's {system.pixel_size_um:g} µm "
        "(give it with --pixel-size)"
    ]


def _surfaces(
    target: Sequence[float] | SurfaceBuilder,
    shape: tuple[int, int],
    pixel_size_um: float,
    z_range_um: float,
    clip: bool,
) -> tuple[tuple[float | DPM, ...], list[str]]:
    """Return what to refocus onto, within the trained range, and what to say about it."""
    if callable(target):
        wanted: NDArray[Any] = target(shape, pixel_size_um)
        doubts = [lateral_limit_warning(wanted, pixel_size_um)]
        surfaces: tuple[float | DPM, ...] = (check_range(wanted, z_range_um, clip=clip),)
    else:
        wanted = np.asarray(target, dtype=np.float64)
        doubts = []
        check_range(wanted, z_range_um, clip=clip)
        # Kept in double precision: 2.3 µm shall stand as 2.3 in the file.
        surfaces = tuple(min(max(float(z), -z_range_um), z_range_um) for z in target)
    doubts.append(clipping_warning(wanted, z_range_um))
    return surfaces, [doubt for doubt in doubts if doubt]


def _check_size(sampling: Sampling) -> None:
    for shape, when in ((sampling.image_shape, ""), (sampling.model_shape, " after resampling")):
        if min(shape) < SMALLEST_SIDE_PX:
            raise DeepZError(
                f"the image is {_size(shape)} px{when}; expected {SMALLEST_SIDE_PX} × "
                f"{SMALLEST_SIDE_PX} or more"
            )


def _as_series(frames: Image) -> NDArray[Any]:
    """Return the frames with a leading time axis."""
    return frames.data.reshape(-1, *frames.data.shape[-2:])


def _size(shape: Sequence[int]) -> str:
    return " × ".join(map(str, shape))
