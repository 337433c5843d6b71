"""Every model on the stacks of every system: what a model is worth for another lens."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch

from deepz_zoo import __version__
from deepz_zoo.evaluation.benchmark import Progress
from deepz_zoo.evaluation.refocusing import refocus
from deepz_zoo.evaluation.scene import Scene
from deepz_zoo.files import Record
from deepz_zoo.images.sampling import find_sampling
from deepz_zoo.intensities import intensity_scale
from deepz_zoo.measure.metrics import ImageScores, image_scores
from deepz_zoo.optics.psf import PsfParameters
from deepz_zoo.simulate import HELD_OUT_SEED, simulate_stack
from deepz_zoo.simulate.stack import make_microscope

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from torch import nn

    from deepz_zoo.optics import ImagingSystem

CROSS_MODEL_VERSION = 1
"""Raised whenever a definition changes, so that figures are compared only with their like."""

FIRST_SEED = HELD_OUT_SEED + 700_000
"""First seed: held out, and apart from those of the benchmark and of the limits."""

INPUT = "input as it is"
"""Stands in the place of a model's name for doing nothing."""

SHAPE_PX = (192, 192)
_REACH = 0.5  # of the half range of the system


@dataclass(frozen=True)
class Candidate:
    """A model, and the system that it was trained for."""

    model: nn.Module
    system: ImagingSystem


class CrossCell(Record):
    """Mean figures of one model on the stacks of one system.

    Attributes
    ----------
    model
        Name of the model, or `INPUT`.
    system
        Name of the system whose stacks these are.
    dz_um
        |Δz|; both directions count.
    correlation, error_over_rms
        See `ImageFigures`; None where |Δz| lies beyond the range of the model.
    """

    model: str
    system: str
    dz_um: float
    images: int
    correlation: float | None
    error_over_rms: float | None


class CrossModel(Record):
    """The cells of all models and systems."""

    version: int = CROSS_MODEL_VERSION
    code_version: str = __version__
    seeds: tuple[int, ...]
    cells: tuple[CrossCell, ...]

    @property
    def models(self) -> tuple[str, ...]:
        """Names of the models in their order, the input last."""
        names = dict.fromkeys(cell.model for cell in self.cells)
        return (*(name for name in names if name != INPUT), INPUT)

    @property
    def systems(self) -> tuple[str, ...]:
        """Names of the systems in their order."""
        return tuple(dict.fromkeys(cell.system for cell in self.cells))

    def cell(self, model: str, system: str) -> CrossCell:
        """Return the figures of a model on a system."""
        return next(c for c in self.cells if (c.model, c.system) == (model, system))


def compare_models(
    candidates: Sequence[Candidate],
    systems: Sequence[ImagingSystem],
    *,
    seeds: int = 1,
    shape_px: tuple[int, int] = SHAPE_PX,
    progress: Progress | None = None,
) -> CrossModel:
    """Run every model on low-noise stacks of every system.

    A model gets images resampled to its own pixel size and its result is resampled back, as
    ``deepz-zoo refocus --resample`` does it. The planes are half of the system's half range apart.

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
        Called with (stacks done, stacks in all).
    """
    tally: dict[tuple[str, str], list[ImageScores]] = defaultdict(list)
    total = seeds * sum(len(system.specimen_kinds) for system in systems)
    done = 0
    for system in systems:
        for seed in range(FIRST_SEED, FIRST_SEED + seeds):
            for scene in _scenes(system, seed, shape_px):
                for name, scores in _scores(scene, candidates):
                    tally[name, system.name].append(scores)
                done += 1
                if progress is not None:
                    progress(done, total)
    names = [candidate.system.name for candidate in candidates]
    return CrossModel(
        seeds=tuple(range(FIRST_SEED, FIRST_SEED + seeds)),
        cells=tuple(
            _cell(name, system, tally[name, system.name])
            for system in systems
            for name in (*names, INPUT)
        ),
    )


def _scenes(system: ImagingSystem, seed: int, shape_px: tuple[int, int]) -> Iterator[Scene]:
    psf = PsfParameters.draw(system, torch.Generator().manual_seed(seed))
    microscope = make_microscope(system, shape_px, psf)
    for specimen in system.specimen_kinds:
        yield Scene.of(
            simulate_stack(
                system,
                specimen,
                seed=seed,
                shape=shape_px,
                noise="low",
                microscope=microscope,
            )
        )


def _scores(scene: Scene, candidates: Sequence[Candidate]) -> Iterator[tuple[str, ImageScores]]:
    """Yield how near each model comes to a plane above and to one below the same input."""
    stack, system = scene.stack, scene.stack.system
    distance = system.whole_steps_um(_REACH)
    random = np.random.default_rng(stack.seed)
    for dz in (-distance, distance):
        for source, target in scene.draw_pairs(dz, 1, random):
            truth, camera = stack.ground_truth[target], stack.camera[source]
            background = intensity_scale(truth).background
            images = {INPUT: camera.astype(np.float32)}
            for candidate in candidates:
                if distance <= candidate.system.z_range_um:
                    images[candidate.system.name] = _refocus_resampled(
                        candidate, camera, system.pixel_size_um, dz
                    )
            for name, image in images.items():
                yield (
                    name,
                    image_scores(image, truth, scale=scene.scale, truth_background=background),
                )


def _refocus_resampled(
    candidate: Candidate, camera: NDArray[np.generic], pixel_size_um: float, dz_um: float
) -> NDArray[np.float32]:
    shape = (camera.shape[0], camera.shape[1])
    own_um = candidate.system.pixel_size_um
    sampling = find_sampling(shape, pixel_size_um, own_um, mismatch="resample")
    seen = sampling.to_model(camera)
    return sampling.from_model(refocus(candidate.model, seen, dz_um))


def _cell(model: str, system: ImagingSystem, scores: Sequence[ImageScores]) -> CrossCell:
    def mean(name: str) -> float | None:
        values = [getattr(score, name) for score in scores]
        return round(float(np.mean(values)), 4) if values else None

    return CrossCell(
        model=model,
        system=system.name,
        dz_um=system.whole_steps_um(_REACH),
        images=len(scores),
        correlation=mean("correlation"),
        error_over_rms=mean("error_over_rms"),
    )
