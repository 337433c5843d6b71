"""Isolated beads of a simulated stack, brought to focus."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np

from deepz_zoo.measure.beads import PEAK_RADIUS_PX, Bead, isolated, measure_beads

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from torch import nn

    from deepz_zoo.evaluation.reference import ReferenceStack
    from deepz_zoo.records.accuracy import BenchmarkSettings, ComparedMethod

FOCUS_SEARCH = 2.0
"""The focus of a bead is searched for within this many depths of field of its own depth."""


def measure_focused_beads(
    model: nn.Module, reference: ReferenceStack, settings: BenchmarkSettings
) -> Iterator[tuple[float, ComparedMethod, tuple[Bead, ...], tuple[Bead, ...]]]:
    """Yield beads as measured and in the ground truth: isolated ones, focused from both sides.

    Beads lie at different depths; those that are in focus in the same plane are measured together.
    """
    pixel_um = reference.stack.system.pixel_size_um
    by_plane = _isolated_beads_by_plane(reference, settings)
    shift = round(settings.bead_distance_um / reference.step_um)
    planes = set(reference.planes_in_range().tolist())

    def measure(image: NDArray[np.generic], points: NDArray[np.floating]) -> tuple[Bead, ...]:
        return measure_beads(image, points, pixel_um, crop_px=settings.bead_crop_px)

    for target, positions in by_plane.items():
        true = measure(reference.stack.ground_truth[target], positions)
        bright = [bead.peak >= settings.bead_min_peak * reference.scale for bead in true]
        shown = tuple(bead for bead, enough in zip(true, bright, strict=True) if enough)
        for direction in (-1, 1):
            source = target - direction * shift
            if not shown or source not in planes:
                continue
            for method, image in reference.images(model, source, target):
                if method != "blank":
                    measured = measure(image, positions[bright])
                    yield direction * settings.bead_distance_um, method, measured, shown


def _isolated_beads_by_plane(
    reference: ReferenceStack, settings: BenchmarkSettings
) -> dict[int, NDArray[np.floating]]:
    """Return the y, x positions in pixels of the isolated beads, by the plane of their focus."""
    emitters = reference.stack.emitters_um
    pixel_um = reference.stack.system.pixel_size_um
    positions = emitters[:, 1:] / pixel_um
    chosen = isolated(
        positions,
        settings.shape_px,
        min_distance=settings.bead_isolation_um / pixel_um,
        margin=settings.bead_crop_px / 2,
    )
    groups: dict[int, list[int]] = defaultdict(list)
    for index in chosen.tolist():
        plane = _focus_plane(reference, float(emitters[index, 0]), positions[index])
        if plane is not None:
            groups[plane].append(index)
    return {plane: positions[indices] for plane, indices in sorted(groups.items())}


def _focus_plane(
    reference: ReferenceStack, z_um: float, position: NDArray[np.floating]
) -> int | None:
    """Return the plane in which a bead is brightest, or None when it may lie beyond the stack.

    With spherical aberration that plane is not exactly the one of the bead's own depth.
    """
    near = FOCUS_SEARCH * reference.stack.system.depth_of_field_um
    planes = np.flatnonzero(np.abs(reference.z_um - z_um) <= near)
    if len(planes) == 0:
        return None
    y, x = np.rint(position).astype(int)
    radius = PEAK_RADIUS_PX
    spots = reference.stack.ground_truth[
        planes, y - radius : y + radius + 1, x - radius : x + radius + 1
    ]
    brightest = int(planes[spots.max(axis=(1, 2)).argmax()])
    return brightest if 0 < brightest < len(reference.z_um) - 1 else None
