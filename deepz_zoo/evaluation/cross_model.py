"""Every model on the stacks of every system: what a model is worth for another lens."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch

from deepz_zoo import __version__
from deepz_zoo.evaluation.benchmark import STEP
from deepz_zoo.evaluation.reference import ReferenceStack
from deepz_zoo.images.sampling import find_sampling
from deepz_zoo.intensities import intensity_scale
from deepz_zoo.measure.metrics import image_metrics
from deepz_zoo.optics.psf import PsfParameters
from deepz_zoo.progress import Progress, no_progress
from deepz_zoo.records.accuracy import ImageMetrics
from deepz_zoo.records.cross_model import INPUT, CrossCell, CrossModel
from deepz_zoo.refocus import refocus_image
from deepz_zoo.simulate import HELD_OUT_SEED, simulate_stack
from deepz_zoo.simulate.stack import make_microscope

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from torch import nn

    from deepz_zoo.optics import ImagingSystem

CROSS_MODEL_VERSION = 1
"""Raised whenever a definition changes, so that only results of one definition are compared."""

FIRST_SEED = HELD_OUT_SEED + 700_000
"""First seed: held out, and apart from those of the benchmark and of the limits."""

SHAPE_PX = (192, 192)
_DISTANCE = 0.5  # of the half-range of the system


@dataclass(frozen=True)
class Candidate:
    """A model, and the system that it was trained for."""

    model: nn.Module
    system: ImagingSystem


def compare_models(
    candidates: Sequence[Candidate],
    systems: Sequence[ImagingSystem],
    *,
    seeds: int = 1,
    shape_px: tuple[int, int] = SHAPE_PX,
    progress: Progress = no_progress,
) -> CrossModel:
    """Run every model on low-noise stacks of every system.

    A model gets images resampled to its own pixel size and its result is resampled back, as
    ``deepz-zoo refocus --resample`` does it. The planes are half of the system's half-range apart.

    Parameters
    ----------
    candidates
        The models.
    systems
        What is simulated: the specimens of each, with its aberrations.
    seeds
        Instruments of each system.
    shape_px
        Rows and columns of the stacks.
    progress
        Told of each stack.
    """
    tally: dict[tuple[str, str], list[ImageMetrics]] = defaultdict(list)
    total = seeds * sum(len(system.specimen_kinds) for system in systems)
    done = 0
    for system in systems:
        for seed in range(FIRST_SEED, FIRST_SEED + seeds):
            for reference in _references(system, seed, shape_px):
                for name, metrics in _metrics(reference, candidates):
                    tally[name, system.name].append(metrics)
                done += 1
                progress(STEP, done, total)
    names = [candidate.system.name for candidate in candidates]
    return CrossModel(
        version=CROSS_MODEL_VERSION,
        code_version=__version__,
        seeds=tuple(range(FIRST_SEED, FIRST_SEED + seeds)),
        cells=tuple(
            _cell(name, system, tally[name, system.name])
            for system in systems
            for name in (*names, INPUT)
        ),
    )


def _references(
    system: ImagingSystem, seed: int, shape_px: tuple[int, int]
) -> Iterator[ReferenceStack]:
    psf = PsfParameters.draw(system, torch.Generator().manual_seed(seed))
    microscope = make_microscope(system, shape_px, psf)
    for specimen in system.specimen_kinds:
        yield ReferenceStack.of(
            simulate_stack(
                system,
                specimen,
                seed=seed,
                shape=shape_px,
                noise="low",
                microscope=microscope,
            )
        )


def _metrics(
    reference: ReferenceStack, candidates: Sequence[Candidate]
) -> Iterator[tuple[str, ImageMetrics]]:
    """Yield how near each model comes to a plane above and to one below the same input."""
    stack, system = reference.stack, reference.stack.system
    distance = system.whole_steps_um(_DISTANCE)
    random = np.random.default_rng(stack.seed)
    for dz in (-distance, distance):
        for source, target in reference.draw_pairs(dz, 1, random):
            ground_truth, camera = stack.ground_truth[target], stack.camera[source]
            background = intensity_scale(ground_truth).background
            images = {INPUT: camera.astype(np.float32)}
            for candidate in candidates:
                if distance <= candidate.system.z_range_um:
                    images[candidate.system.name] = _refocus_resampled(
                        candidate, camera, system.pixel_size_um, dz
                    )
            for name, image in images.items():
                metrics = image_metrics(
                    image, ground_truth, scale=reference.scale, background=background
                )
                yield name, metrics


def _refocus_resampled(
    candidate: Candidate, camera: NDArray[np.generic], pixel_size_um: float, dz_um: float
) -> NDArray[np.float32]:
    shape = (camera.shape[0], camera.shape[1])
    own_um = candidate.system.pixel_size_um
    sampling = find_sampling(shape, pixel_size_um, own_um, mismatch="resample")
    seen = sampling.to_model(camera)
    return sampling.from_model(refocus_image(candidate.model, seen, dz_um))


def _cell(model: str, system: ImagingSystem, metrics: Sequence[ImageMetrics]) -> CrossCell:
    def mean(name: str) -> float | None:
        values = [getattr(image, name) for image in metrics]
        return round(float(np.mean(values)), 4) if values else None

    return CrossCell(
        model=model,
        system=system.name,
        dz_um=system.whole_steps_um(_DISTANCE),
        images=len(metrics),
        correlation=mean("correlation"),
        error_over_rms=mean("error_over_rms"),
    )
