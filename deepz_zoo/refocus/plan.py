"""What will be refocused onto what: decided and checked before the network runs."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from deepz_zoo.dpm import (
    DPM,
    Plane,
    Surface,
    check_range,
    clipping_warning,
    lateral_limit_warning,
    thin_dpm,
)
from deepz_zoo.errors import DeepZError
from deepz_zoo.images import Calibration, Shape
from deepz_zoo.images.sampling import Mismatch, Sampling, find_sampling
from deepz_zoo.progress import Progress, no_progress
from deepz_zoo.refocus.in_range import image_warnings
from deepz_zoo.refocus.planes import MIN_SIDE_PX, Rows, refocus_rows, whole_planes
from deepz_zoo.refocus.track import Track

if TYPE_CHECKING:
    from deepz_zoo.images import Image
    from deepz_zoo.network.graph.wrapper import DeepZModel
    from deepz_zoo.records.manifest import Manifest


@dataclass(frozen=True, eq=False)
class RefocusPlan:
    """What will be refocused onto what, checked; its text says it in one line.

    Attributes
    ----------
    frames
        One image (``yx``) or a time series (``tyx``), read or open.
    surface
        The surface to refocus onto, or None for planes.
    targets
        Distances in µm of the planes, or the DPM of the surface on the grid of the frames.
    pixel_size_um
        Sampling of the frames.
    sampling
        The grid on which the network sees them.
    warnings
        A line for each thing that the user should know.
    clipped_to_um
        The half-range to which distances were clipped, or None where all were inside.
    track
        A distance for each frame in place of `targets`, which holds the first one then; or None.
    """

    frames: Image[Any]
    surface: Surface | None
    targets: tuple[float | DPM, ...]
    pixel_size_um: float
    sampling: Sampling
    warnings: tuple[str, ...]
    clipped_to_um: float | None = None
    track: Track | None = None

    @property
    def z_um(self) -> tuple[float, ...] | None:
        """Distances of the planes, or None for a surface or a track."""
        if self.surface is not None or self.track is not None:
            return None
        return tuple(float(target) for target in self.targets)

    @property
    def axes(self) -> str:
        """Axes of the result: of t, z, y and x those that it has."""
        return self.frames.axes.replace("yx", "zyx") if len(self.targets) > 1 else self.frames.axes

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of the result."""
        *leading, ny, nx = self.frames.data.shape
        planes = (len(self.targets),) if len(self.targets) > 1 else ()
        return (*leading, *planes, ny, nx)

    @property
    def pixels(self) -> int:
        """Pixels that the network makes, those of every frame and plane."""
        ny, nx = self.sampling.model_shape
        return self.frames.plane_count * len(self.targets) * ny * nx

    @property
    def calibration(self) -> Calibration:
        """Calibration of the result."""
        return replace(self.frames.calibration, pixel_size_um=self.pixel_size_um, z_um=self.z_um)

    def run(
        self,
        model: DeepZModel,
        *,
        tile_px: int | None = None,
        progress: Progress = no_progress,
    ) -> Iterator[NDArray[np.float32]]:
        """Yield the planes of the result, frame by frame and z by z, each of shape (y, x).

        `progress` hears of each tile of a plane that has several.
        """
        for number in range(self.frames.plane_count):
            yield from whole_planes(
                self.run_frame(model, number, tile_px=tile_px, progress=progress),
                self.sampling.image_shape,
            )

    def run_frame(
        self,
        model: DeepZModel,
        number: int,
        *,
        tile_px: int | None = None,
        progress: Progress = no_progress,
    ) -> Iterator[Rows]:
        """Read one frame, counted from 0, and yield it refocused, as `refocus_rows` does."""
        frame = self.sampling.to_model(self.frames.plane(number))
        targets = self._targets if self.track is None else [self.track.dz_um[number]]
        rows = refocus_rows(model, frame, targets, tile_px=tile_px, progress=progress)
        if not self.sampling.resamples:
            yield from rows
            return
        for target, plane in enumerate(whole_planes(rows, self.sampling.model_shape)):
            yield Rows(target, 0, self.sampling.from_model(plane))

    @cached_property
    def _targets(self) -> list[float | DPM]:
        """The targets on the grid that the network sees."""
        return [
            self.sampling.dpm_to_model(target) if isinstance(target, np.ndarray) else target
            for target in self.targets
        ]

    def __str__(self) -> str:
        """Say how much is refocused onto what."""
        *leading, ny, nx = self.shape
        counts = zip(self.axes, leading, strict=False)
        size = [f"{count} {'frames' if axis == 't' else 'planes'}" for axis, count in counts]
        if self.z_um is None:
            where = f"onto {self.surface or self.track}"
        else:
            where = f"z = {self.z_um[0]:+g}"
            where += f" to {self.z_um[-1]:+g} µm" if len(self.z_um) > 1 else " µm"
        if self.clipped_to_um is not None:
            where += f", clipped to ±{self.clipped_to_um:g} µm"
        if self.sampling.resamples:
            where += f", resampled to {_size(self.sampling.model_shape)} px and back"
        return f"{', '.join([*size, f'{nx} × {ny} px'])}, {where}"


def plan_refocus(
    frames: Image[Any],
    manifest: Manifest,
    target: Surface | Track | Sequence[float],
    *,
    pixel_size_um: float | None = None,
    mismatch: Mismatch = "refuse",
    clip: bool = False,
) -> RefocusPlan:
    """Check an image and a target against a model.

    Parameters
    ----------
    frames
        One image or a time series, axes ``yx`` or ``tyx``, read or open.
    manifest
        What is known of the model: its system, and its limits if they were measured.
    target
        A surface, the distances of planes in µm, or a distance for each frame.
    pixel_size_um
        Sampling of the frames, where their own is missing or wrong.
    mismatch
        What to do where it differs from the model's, see `find_sampling`.
    clip
        Whether to clip distances outside the trained range, instead of refusing them.

    Raises
    ------
    DeepZError
        When the frames are too small, the pixel size does not fit, the target lies outside the
        trained range or a track has another number of frames.
    """
    if frames.axes not in ("yx", "tyx"):
        raise ValueError(f"axes {frames.axes!r}; expected 'yx' or 'tyx'")
    system = manifest.system
    known_um = frames.pixel_size_um if pixel_size_um is None else pixel_size_um
    pixel_um = system.pixel_size_um if known_um is None else known_um
    shape = (frames.data.shape[-2], frames.data.shape[-1])
    sampling = find_sampling(shape, pixel_um, system.pixel_size_um, mismatch)
    _check_size(sampling)
    if isinstance(target, Plane):
        target = (target.z_um,)
    targets: tuple[float | DPM, ...]
    surface = track = None
    if isinstance(target, Surface):
        surface = target
        targets, warnings, clipped = _surface(target, shape, pixel_um, system.z_range_um, clip)
    elif isinstance(target, Track):
        inside, warnings, clipped = _planes(target.dz_um, system.z_range_um, clip)
        track, targets = _of_frames(target, inside, frames.plane_count), inside[:1]
    else:
        targets, warnings, clipped = _planes(target, system.z_range_um, clip)
    if sampling.resamples:
        warnings.insert(
            0,
            f"resampled from {pixel_um:.4g} to {system.pixel_size_um:.4g} µm per pixel "
            f"({_size(shape)} to {_size(sampling.model_shape)} px) for the network, and back",
        )
    doubts = image_warnings(
        frames, manifest, pixel_size_um=pixel_size_um, resampled=sampling.resamples
    )
    return RefocusPlan(
        frames,
        surface,
        targets,
        pixel_um,
        sampling,
        (*doubts, *warnings),
        system.z_range_um if clipped else None,
        track,
    )


def _of_frames(track: Track, dz_um: tuple[float, ...], frames: int) -> Track:
    """Return a track with its distances in the trained range, one for each frame."""
    if len(dz_um) != frames:
        raise DeepZError(
            f"a track of {len(dz_um)} frames for an image of {frames}; expected a distance for each"
        )
    return replace(track, dz_um=dz_um)


def _surface(
    surface: Surface, shape: Shape, pixel_size_um: float, z_range_um: float, clip: bool
) -> tuple[tuple[DPM], list[str], bool]:
    """Return the DPM of a surface in the trained range, what to say of it, and if it is clipped.

    Rows or columns that repeat are held once: the DPM is read-only.
    """
    wanted = thin_dpm(surface, shape, pixel_size_um)
    dpm = np.broadcast_to(check_range(wanted, z_range_um, clip=clip), shape)
    clipping = clipping_warning(wanted, z_range_um)
    doubts = (lateral_limit_warning(np.broadcast_to(wanted, shape), pixel_size_um), clipping)
    return (dpm,), [doubt for doubt in doubts if doubt], clipping is not None


def _planes(
    distances_um: Sequence[float], z_range_um: float, clip: bool
) -> tuple[tuple[float, ...], list[str], bool]:
    """Return distances in the trained range, what to say of them, and if they are clipped."""
    wanted = np.asarray(distances_um, dtype=np.float64)
    check_range(wanted, z_range_um, clip=clip)
    doubt = clipping_warning(wanted, z_range_um)
    # Kept in double precision: 2.3 µm shall stand as 2.3 in the file.
    inside = tuple(min(max(float(z), -z_range_um), z_range_um) + 0.0 for z in distances_um)
    return inside, [doubt] if doubt else [], doubt is not None


def _check_size(sampling: Sampling) -> None:
    for shape, when in ((sampling.image_shape, ""), (sampling.model_shape, " after resampling")):
        if min(shape) < MIN_SIDE_PX:
            raise DeepZError(
                f"the image is {_size(shape)} px{when}; expected {MIN_SIDE_PX} × "
                f"{MIN_SIDE_PX} or more"
            )


def _size(shape: Sequence[int]) -> str:
    return " × ".join(map(str, shape))
