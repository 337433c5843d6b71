"""A model against an acquired z-stack.

One plane of the stack is refocused to the other planes, and the results are compared with the
planes that the microscope recorded. These hold noise themselves, so that the metrics are worse than
those of the simulated benchmark for the same model.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from skimage.transform import rescale

from deepz_zoo import __version__
from deepz_zoo.errors import DeepZError
from deepz_zoo.evaluation.aggregate import bead_metrics
from deepz_zoo.images.stack import read_stack
from deepz_zoo.intensities import intensity_scale
from deepz_zoo.measure.beads import BEAD_THRESHOLD, detect_beads, isolated, measure_beads
from deepz_zoo.measure.metrics import image_metrics
from deepz_zoo.memory import refuse_too_large
from deepz_zoo.records.accuracy import COMPARED_METHODS, BeadMetrics, ComparedMethod, ImageMetrics
from deepz_zoo.records.measured_stack import (
    MeasuredBeadRow,
    MeasuredRow,
    MeasuredStack,
    StackAccuracy,
    StackBeadRow,
    StackRow,
)
from deepz_zoo.refocus import refocus_image

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from torch import nn

    from deepz_zoo.optics import ImagingSystem

MEASURED_VERSION = 1
BEAD_DISTANCE_PX = 10.0
"""Beads with a nearer neighbor are left out."""
BEAD_MARGIN_PX = 8.0
"""Beads nearer to an edge of the image are left out."""
_SAME_PIXEL = 0.02
MIN_SIDE_PX = 16


def evaluate_stack_file(
    model: nn.Module,
    path: Path,
    system: ImagingSystem,
    *,
    pixel_size_um: float | None = None,
    z_step_um: float | None = None,
    reverse: bool = False,
    beads: bool = False,
) -> StackAccuracy:
    """Read an acquired stack and compare it, see `evaluate_stack`.

    Parameters
    ----------
    model, system, beads
        As of `evaluate_stack`.
    path
        One z-stack of one channel.
    pixel_size_um, z_step_um
        In place of the file's own calibration.
    reverse
        Whether the stack was acquired with decreasing stage z; a negative z step in the file says
        the same.

    Raises
    ------
    DeepZError
        If the file is not such a stack, or its calibration is not known.
    """
    image = read_stack(path, pixel_size_um=pixel_size_um, z_step_um=z_step_um, reverse=reverse)
    assert image.pixel_size_um is not None
    assert image.z_step_um is not None
    return evaluate_stack(
        model,
        image.data,
        system,
        pixel_size_um=image.pixel_size_um,
        z_step_um=image.z_step_um,
        beads=beads,
    )


def evaluate_stack(
    model: nn.Module,
    stack: NDArray[np.generic],
    system: ImagingSystem,
    *,
    pixel_size_um: float,
    z_step_um: float,
    beads: bool = False,
) -> StackAccuracy:
    """Refocus planes of an acquired stack to its other planes and compare.

    The sources are the in-focus plane (highest standard deviation) and, on each side of it, the
    plane at half the model's range, or the last one of a shorter stack.

    Parameters
    ----------
    model : nn.Module
        The graph wrapper: camera image and DPM in µm in, camera units out.
    stack : ndarray, shape (nz, ny, nx)
        Camera images in the order of increasing stage z.
    system : ImagingSystem
        The microscope that the model was trained for. The stack is resampled to its pixel size.
    pixel_size_um, z_step_um : float
        Calibration of the stack.
    beads : bool
        Measure the spots of the in-focus plane as beads: peak, FWHM and flux.

    Raises
    ------
    DeepZError
        If the stack has fewer than two planes, is too small at the model's pixel size, or a plane
        has one grey level only.
    """
    images, factor = calibrated_planes(stack, system, pixel_size_um, z_step_um)
    planes = _Planes(images, z_step_um, system.z_range_um)
    model.eval()
    sources = planes.sources()
    return StackAccuracy(
        version=MEASURED_VERSION,
        code_version=__version__,
        system_name=system.name,
        pixel_size_um=pixel_size_um,
        z_step_um=z_step_um,
        resampled=round(factor, 6),
        planes=len(stack),
        in_focus_um=planes.z_um(planes.in_focus),
        sources_um=tuple(planes.z_um(source) for source in sources),
        bead_threshold=BEAD_THRESHOLD if beads else None,
        images=tuple(_image_rows(model, planes, sources)),
        beads=tuple(_bead_rows(model, planes, sources, system)) if beads else (),
    )


def calibrated_planes(
    stack: NDArray[np.generic], system: ImagingSystem, pixel_size_um: float, z_step_um: float
) -> tuple[NDArray[np.float32], float]:
    """Resample an acquired stack to the pixel size of a system.

    Parameters
    ----------
    stack : ndarray, shape (nz, ny, nx)
        Camera images.
    system : ImagingSystem
        The microscope that a model was trained for.
    pixel_size_um, z_step_um : float
        Calibration of the stack.

    Returns
    -------
    planes : ndarray of float32, shape (nz, ny', nx')
    factor : float
        By which rows and columns were multiplied.

    Raises
    ------
    DeepZError
        As of `evaluate_stack`.
    """
    if stack.ndim != 3 or len(stack) < 2:
        raise DeepZError(
            f"a z-stack (planes, rows, columns) is needed to compare with, got shape {stack.shape}"
        )
    flat = [index for index, plane in enumerate(stack, 1) if plane.min() == plane.max()]
    if flat:
        raise DeepZError(
            f"plane {flat[0]} of {len(stack)} has one grey level, {stack[flat[0] - 1].flat[0]:g}, "
            "at every pixel: nothing can be compared with it; leave such planes out"
        )
    if pixel_size_um <= 0 or z_step_um <= 0:
        raise DeepZError("pixel size and z step must be positive lengths in µm")
    factor = pixel_size_um / system.pixel_size_um
    factor = 1.0 if abs(factor - 1) <= _SAME_PIXEL else factor
    return _resample(stack, factor), factor


@dataclass(frozen=True)
class _Planes:
    """A stack at the model's pixel size, float32 camera units."""

    images: NDArray[np.float32]
    step_um: float
    range_um: float

    @property
    def in_focus(self) -> int:
        return int(np.argmax(self.images.std(axis=(1, 2))))

    @property
    def scale(self) -> float:
        return intensity_scale(self.images.max(axis=0)).scale

    def z_um(self, plane: int) -> float:
        return round(plane * self.step_um, 6)

    def sources(self) -> tuple[int, ...]:
        """Return the planes to refocus, the in-focus one first."""
        away = max(1, round(self.range_um / 2 / self.step_um))
        last = len(self.images) - 1
        sides = (max(self.in_focus - away, 0), min(self.in_focus + away, last))
        return (self.in_focus, *(side for side in sides if side != self.in_focus))

    def in_range(self, source: int, target: int) -> bool:
        return abs(target - source) * self.step_um <= self.range_um + 1e-6

    def versions(
        self, model: nn.Module, source: int, target: int
    ) -> tuple[tuple[ComparedMethod, NDArray[np.float32]], ...]:
        """Return what each method makes of one plane as an image of another."""
        image, recorded = self.images[source], self.images[target]
        background = intensity_scale(recorded).background
        return (
            ("model", refocus_image(model, image, (target - source) * self.step_um)),
            ("blank", np.full_like(recorded, background)),
            ("input", image),
        )


def _image_rows(model: nn.Module, planes: _Planes, sources: Sequence[int]) -> Iterator[MeasuredRow]:
    scale = planes.scale
    for source in sources:
        for target, recorded in enumerate(planes.images):
            if not planes.in_range(source, target):
                continue
            background = intensity_scale(recorded).background
            for method, image in planes.versions(model, source, target):
                metrics = image_metrics(image, recorded, scale=scale, background=background)
                yield MeasuredRow(
                    source_um=planes.z_um(source),
                    target_um=planes.z_um(target),
                    method=method,
                    **dict(ImageMetrics.mean_of([metrics])),
                )


def _bead_rows(
    model: nn.Module, planes: _Planes, sources: Sequence[int], system: ImagingSystem
) -> Iterator[MeasuredBeadRow]:
    focus = planes.in_focus
    recorded = planes.images[focus]
    threshold = intensity_scale(recorded).background + BEAD_THRESHOLD * planes.scale
    found = detect_beads(recorded, threshold)
    shape = (recorded.shape[0], recorded.shape[1])
    positions = found[isolated(found, shape, min_distance=BEAD_DISTANCE_PX, margin=BEAD_MARGIN_PX)]
    if len(positions) == 0:
        return
    true = measure_beads(recorded, positions, system.pixel_size_um)
    for source in sources[1:]:
        if not planes.in_range(source, focus):
            continue
        for method, image in planes.versions(model, source, focus):
            metrics = bead_metrics(measure_beads(image, positions, system.pixel_size_um), true)
            if method != "blank" and metrics is not None:
                yield MeasuredBeadRow(
                    source_um=planes.z_um(source),
                    target_um=planes.z_um(focus),
                    method=method,
                    **dict(metrics),
                )


def _resample(stack: NDArray[np.generic], factor: float) -> NDArray[np.float32]:
    """Enlarge every plane by a factor; camera units and background stay as they are."""
    needed = 2 * stack.size * factor**2 * np.dtype(np.float32).itemsize
    refuse_too_large(needed, "the stack at the model's pixel size", "check the pixel size")
    images = np.asarray(stack, dtype=np.float32)
    if factor != 1:
        images = np.stack(
            [
                rescale(plane, factor, order=1, anti_aliasing=factor < 1, preserve_range=True)
                for plane in images
            ]
        ).astype(np.float32)
    if min(images.shape[1:]) < MIN_SIDE_PX:
        raise DeepZError(
            f"the stack has {images.shape[1]}×{images.shape[2]} px at the model's pixel size; "
            f"at least {MIN_SIDE_PX}×{MIN_SIDE_PX} are needed"
        )
    return images


def summarize_stack(
    accuracy: StackAccuracy, *, title: str, command: str, comment: str
) -> MeasuredStack:
    """Return the accuracy on a stack as a manifest keeps it."""
    methods = {row.method for row in accuracy.images}
    return MeasuredStack(
        title=title,
        command=command,
        comment=comment,
        images=tuple(
            StackRow(
                from_focus_um=round(source - accuracy.in_focus_um, 4),
                method=method,
                **dict(accuracy.mean(source, method)),
            )
            for source in accuracy.sources_um
            for method in COMPARED_METHODS
            if method in methods
        ),
        beads=tuple(
            StackBeadRow(
                dz_um=row.dz_um,
                method=row.method,
                **{name: getattr(row, name) for name in BeadMetrics.model_fields},
            )
            for row in accuracy.beads
        ),
    )
