"""The accuracy benchmark: a model against simulated stacks that it was never trained on.

Every image is treated as a user treats it: the raw camera image and a DPM in µm go through the
graph wrapper, and the result is compared, in camera units, with the noise-free plane of the same
stack. The model is compared with a blank image, the input as it is, Richardson–Lucy deconvolution
with the true point-spread function, and, on request, a second model.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import product
from typing import TYPE_CHECKING, Literal

import numpy as np
import torch

from deepz_zoo import __version__
from deepz_zoo.errors import DeepZError
from deepz_zoo.evaluation.bead_focus import measure_focused_beads
from deepz_zoo.evaluation.instrument import Instrument
from deepz_zoo.evaluation.reference import ReferenceStack
from deepz_zoo.evaluation.tally import Tally
from deepz_zoo.optics import list_systems
from deepz_zoo.progress import Progress, no_progress
from deepz_zoo.records.accuracy import (
    BENCHMARK_VERSION,
    NOISES,
    Accuracy,
    BenchmarkSettings,
    ComparedMethod,
    ImageMetrics,
    Noise,
)
from deepz_zoo.simulate import HELD_OUT_SEED, SPECIMENS, simulate_stack

if TYPE_CHECKING:
    from torch import nn

    from deepz_zoo.optics import ImagingSystem
    from deepz_zoo.records.manifest import Manifest

FIRST_SEED = HELD_OUT_SEED + 500_000
"""First seed of the benchmark: held out, and apart from those of examples and experiments."""
SEEDS = tuple(range(FIRST_SEED, FIRST_SEED + 4))
"""Seeds of the standard benchmark."""

BEAD_SPECIMEN = "beads"
BEAD_SEED_STEP = 1000
"""Distance between the seeds of the bead stacks of one microscope."""
_DISTANCES = (0.0, 0.2, 0.5, 1.0)
_BEAD_DISTANCE = 0.5

STEP = "simulated stacks"


def benchmark_system(manifest: Manifest) -> ImagingSystem:
    """Return the system that a model is measured on: that of its name in the catalogue.

    Its ranges are those of real instruments as they are known today; an older model may have been
    trained on narrower ones. A model of one instrument, or of no system in the catalogue, is
    measured on its own.
    """
    if manifest.system.instrument is not None:
        return manifest.system
    known = {system.name: system for system in list_systems()}
    return known.get(manifest.name, manifest.system)


def default_settings(system: ImagingSystem) -> BenchmarkSettings:
    """Return the standard settings for the axial range of a system.

    The distances are about 0, 0.2, 0.5 and 1 times the half-range, in whole steps of its stacks (0,
    2, 5 and 10 µm at 20×). Beads are refocused over about half of the half-range, and their
    isolation scales with the pixel size.
    """
    return BenchmarkSettings(
        distances_um=tuple(system.whole_steps_um(fraction) for fraction in _DISTANCES),
        bead_distance_um=system.whole_steps_um(_BEAD_DISTANCE),
        bead_isolation_um=round(32 * system.pixel_size_um, 4),
    )


def quick_settings(system: ImagingSystem) -> BenchmarkSettings:
    """Return settings for a first look: small images, one input per distance, no deconvolution."""
    return default_settings(system).model_copy(
        update={
            "shape_px": (128, 128),
            "inputs_per_distance": 1,
            "bead_stacks": 1,
            "richardson_lucy_iterations": 0,
        }
    )


def evaluate(
    model: nn.Module,
    system: ImagingSystem,
    *,
    seeds: Sequence[int] = SEEDS,
    specimens: Sequence[str] | None = None,
    noise: Noise | Literal["both"] = "both",
    settings: BenchmarkSettings | None = None,
    other: tuple[str, nn.Module] | None = None,
    progress: Progress = no_progress,
) -> Accuracy:
    """Measure the accuracy of a model on held-out simulated stacks.

    Parameters
    ----------
    model : nn.Module
        The graph wrapper: camera image and DPM in µm in, camera units out.
    system : ImagingSystem
        The microscope to simulate.
    seeds : sequence of int
        One stack per seed, specimen and noise; from ``HELD_OUT_SEED`` upward.
    specimens : sequence of str
        Among ``SPECIMENS``, those of the system by default; bead metrics need ``"beads"``.
    noise : {"low", "realistic", "both"}
        Noise of the input images.
    settings : BenchmarkSettings, optional
        The standard ones of the system by default.
    other : tuple of str and nn.Module, optional
        Another model, such as that of the other size, to compare on the same images; and its name.
    progress : Progress
        Told of each stack.

    Returns
    -------
    Accuracy

    Raises
    ------
    DeepZError
        If a seed was open to training, or the benchmark asks for distances beyond the range.
    """
    settings = settings or default_settings(system)
    specimens = specimens or system.specimen_kinds
    _check(system, seeds, specimens, settings)
    noises = NOISES if noise == "both" else (noise,)
    other_name, other_model = other or (None, None)
    for compared in filter(None, (model, other_model)):
        compared.eval()
    tally = Tally()
    references = _references(system, seeds, specimens, noises, settings, other_model)
    stacks = len(seeds) * len(noises) * len(_stacks_of_seed(0, specimens, settings))
    for done, (level, reference, for_images) in enumerate(references, start=1):
        name = reference.stack.specimen
        if for_images:
            for dz, method, metrics in _compare_images(model, reference, settings):
                tally.images[level, name, dz, method].append(metrics)
        if name == BEAD_SPECIMEN:
            for dz, method, measured, true in measure_focused_beads(model, reference, settings):
                tally.measured[level, dz, method].extend(measured)
                tally.true[level, dz, method].extend(true)
        progress(STEP, done, stacks)
    return Accuracy(
        benchmark_version=BENCHMARK_VERSION,
        code_version=__version__,
        system_name=system.name,
        system=system,
        seeds=tuple(seeds),
        specimens=tuple(specimens),
        settings=settings,
        images=tuple(tally.image_rows()),
        beads=tuple(tally.bead_rows()),
        other=other_name,
    )


def _check(
    system: ImagingSystem,
    seeds: Sequence[int],
    specimens: Sequence[str],
    settings: BenchmarkSettings,
) -> None:
    check_held_out(seeds, specimens)
    farthest = max(*settings.distances_um, settings.bead_distance_um)
    if farthest > system.z_range_um + 1e-6:
        raise DeepZError(
            f"a distance of {farthest:g} µm lies beyond ±{system.z_range_um:g} µm, the range of "
            f"{system.name}"
        )


def check_held_out(seeds: Sequence[int], specimens: Sequence[str]) -> None:
    """Raise DeepZError for seeds that were open to training, and for unknown or no specimens."""
    if not seeds or not specimens:
        raise DeepZError("the benchmark needs at least one seed and one specimen")
    if unknown := sorted(set(specimens) - set(SPECIMENS)):
        raise DeepZError(f"unknown specimens {unknown}; there are {', '.join(SPECIMENS)}")
    if min(seeds) < HELD_OUT_SEED:
        raise DeepZError(
            f"seed {min(seeds)} may have been trained on; use seeds from {HELD_OUT_SEED} upward"
        )


def _references(
    system: ImagingSystem,
    seeds: Sequence[int],
    specimens: Sequence[str],
    noises: Sequence[Noise],
    settings: BenchmarkSettings,
    other: nn.Module | None,
) -> Iterator[tuple[Noise, ReferenceStack, bool]]:
    """Simulate the stacks of the benchmark, one microscope for each seed.

    Yields the noise, the stack, and whether its images are compared or its beads alone.
    """
    for seed in seeds:
        with _one_thread():
            instrument = Instrument(system, seed, settings)
        deconvolve = instrument.deconvolve if settings.richardson_lucy_iterations else None
        stacks = product(_stacks_of_seed(seed, specimens, settings), noises)
        for (specimen, stack_seed), noise in stacks:
            with _one_thread():
                stack = simulate_stack(
                    system,
                    specimen,
                    seed=stack_seed,
                    shape=settings.shape_px,
                    noise=noise,
                    microscope=instrument.microscope,
                )
            yield noise, ReferenceStack.of(stack, deconvolve, other), stack_seed == seed


@contextmanager
def _one_thread() -> Iterator[None]:
    """Simulate on one thread, whatever number torch was given.

    The last digits of a sum depend on the number of threads, and the random numbers of Poisson
    noise on the last digits of the light: the noise would be different.
    """
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(threads)


def _stacks_of_seed(
    seed: int, specimens: Sequence[str], settings: BenchmarkSettings
) -> list[tuple[str, int]]:
    """Return specimen and seed of the stacks that one microscope images.

    A stack holds few beads that are isolated and well inside the range, so more stacks of beads
    follow. They serve the bead metrics alone, so that every specimen keeps its weight.
    """
    stacks = [(specimen, seed) for specimen in specimens]
    if BEAD_SPECIMEN in specimens:
        more = range(1, settings.bead_stacks)
        stacks += [(BEAD_SPECIMEN, seed + BEAD_SEED_STEP * index) for index in more]
    return stacks


def _compare_images(
    model: nn.Module, reference: ReferenceStack, settings: BenchmarkSettings
) -> Iterator[tuple[float, ComparedMethod, ImageMetrics]]:
    """Yield the metrics of every method for input planes drawn from the stack."""
    distances = sorted({sign * dz + 0.0 for dz in settings.distances_um for sign in (-1.0, 1.0)})
    random = np.random.default_rng(reference.stack.seed)
    for dz in distances:
        for source, target in reference.draw_pairs(dz, settings.inputs_per_distance, random):
            for method, metrics in reference.metrics(model, source, target):
                yield dz, method, metrics
