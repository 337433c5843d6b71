"""The accuracy benchmark: a model against simulated stacks that it was never trained on.

Every image is treated as a user treats it: the raw camera image and a DPM in µm go through the
graph wrapper, and the result is compared, in camera units, with the noise-free plane of the same
stack. The model is compared with a blank image, the input as it is, Richardson–Lucy deconvolution
with the true point-spread function, and, on request, a second model.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import product
from typing import TYPE_CHECKING, Literal

import numpy as np
import torch

from deepz_zoo import __version__
from deepz_zoo.errors import DeepZError
from deepz_zoo.evaluation.aggregate import bead_metrics
from deepz_zoo.evaluation.deconvolution import refocus_richardson_lucy
from deepz_zoo.evaluation.reference import ReferenceStack
from deepz_zoo.intensities import intensity_scale
from deepz_zoo.measure.beads import PEAK_RADIUS_PX, Bead, isolated, measure_beads
from deepz_zoo.optics.psf import PsfParameters, point_spread_function
from deepz_zoo.progress import Progress, no_progress
from deepz_zoo.records.accuracy import (
    MEAN,
    NOISES,
    Accuracy,
    BeadRow,
    BenchmarkSettings,
    ComparedMethod,
    ImageMetrics,
    ImageRow,
    Noise,
)
from deepz_zoo.simulate import HELD_OUT_SEED, SPECIMENS, simulate_stack
from deepz_zoo.simulate.stack import make_microscope

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from deepz_zoo.network.graph.wrapper import DeepZModel
    from deepz_zoo.optics import ImagingSystem

BENCHMARK_VERSION = 1
"""Raised whenever a definition changes, so that only results of one definition are compared."""

FIRST_SEED = HELD_OUT_SEED + 500_000
"""First seed of the benchmark: held out, and apart from those of examples and experiments."""
SEEDS = tuple(range(FIRST_SEED, FIRST_SEED + 4))
"""Seeds of the standard benchmark."""

BEAD_SPECIMEN = "beads"
BEAD_SEED_STEP = 1000
"""Distance between the seeds of the bead stacks of one microscope."""
FOCUS_SEARCH = 2.0
"""The focus of a bead is searched for within this many depths of field of its own depth."""
PSF_SIZE_PX = 121
"""Odd side of the PSF for deconvolution: it holds a point 10 µm out of focus at 20×."""
_DISTANCES = (0.0, 0.2, 0.5, 1.0)
_BEAD_DISTANCE = 0.5

STEP = "simulated stacks"


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
    model: DeepZModel,
    system: ImagingSystem,
    *,
    seeds: Sequence[int] = SEEDS,
    specimens: Sequence[str] | None = None,
    noise: Noise | Literal["both"] = "both",
    settings: BenchmarkSettings | None = None,
    other: DeepZModel | None = None,
    progress: Progress = no_progress,
) -> Accuracy:
    """Measure the accuracy of a model on held-out simulated stacks.

    Parameters
    ----------
    model : DeepZModel
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
    other : DeepZModel, optional
        Another model, such as that of the other size, to compare on the same images.
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
    for compared in filter(None, (model, other)):
        compared.eval()
    tally = _Tally()
    references = _references(system, seeds, specimens, noises, settings, other)
    stacks = len(seeds) * len(noises) * len(_stacks_of_seed(0, specimens, settings))
    for done, (level, reference, for_images) in enumerate(references, start=1):
        name = reference.stack.specimen
        if for_images:
            for dz, method, metrics in _compare_images(model, reference, settings):
                tally.images[level, name, dz, method].append(metrics)
        if name == BEAD_SPECIMEN:
            for dz, method, measured, true in _measure_beads(model, reference, settings):
                tally.measured[level, dz, method].extend(measured)
                tally.true[level, dz, method].extend(true)
        progress(STEP, done, stacks)
    return Accuracy(
        benchmark_version=BENCHMARK_VERSION,
        code_version=__version__,
        system_name=system.name,
        seeds=tuple(seeds),
        specimens=tuple(specimens),
        settings=settings,
        images=tuple(tally.image_rows()),
        beads=tuple(tally.bead_rows()),
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


class _Tally:
    """Single measurements, sorted into the cells of the report."""

    def __init__(self) -> None:
        self.images: dict[tuple[Noise, str, float, ComparedMethod], list[ImageMetrics]] = (
            defaultdict(list)
        )
        self.measured: dict[tuple[Noise, float, ComparedMethod], list[Bead]] = defaultdict(list)
        self.true: dict[tuple[Noise, float, ComparedMethod], list[Bead]] = defaultdict(list)

    def image_rows(self) -> Iterator[ImageRow]:
        means: dict[tuple[Noise, float, ComparedMethod], list[ImageRow]] = defaultdict(list)
        for (noise, specimen, dz, method), metrics in self.images.items():
            row = ImageRow(
                noise=noise,
                specimen=specimen,
                dz_um=dz,
                method=method,
                images=len(metrics),
                **dict(ImageMetrics.mean_of(metrics)),
            )
            means[noise, dz, method].append(row)
            yield row
        for (noise, dz, method), rows in means.items():
            yield ImageRow(
                noise=noise,
                specimen=MEAN,
                dz_um=dz,
                method=method,
                images=sum(row.images for row in rows),
                **dict(ImageMetrics.mean_of(rows)),
            )

    def bead_rows(self) -> Iterator[BeadRow]:
        for key, measured in self.measured.items():
            metrics = bead_metrics(measured, self.true[key])
            if metrics is not None:
                noise, dz, method = key
                yield BeadRow(noise=noise, dz_um=dz, method=method, **dict(metrics))


class Instrument:
    """The microscope of one seed, with its point-spread function."""

    def __init__(self, system: ImagingSystem, seed: int, settings: BenchmarkSettings) -> None:
        # What simulate_stack draws from the same seed; drawn here, so that the costly transfer
        # function is computed once for all specimens and both kinds of noise.
        self.parameters = PsfParameters.draw(system, torch.Generator().manual_seed(seed))
        self.microscope = make_microscope(system, settings.shape_px, self.parameters)
        shifts = {
            round(distance / system.z_step_um)
            for distance in (*settings.distances_um, settings.bead_distance_um, 0.0)
        }
        self._step_um = system.z_step_um
        self._slices = self._psf_slices(sorted(shifts | {-shift for shift in shifts}), system)
        self._iterations = settings.richardson_lucy_iterations

    def deconvolve(self, camera: NDArray[np.generic], dz_um: float) -> NDArray[np.float32]:
        """Refocus a camera image by ``dz_um`` with the point-spread function itself."""
        return refocus_richardson_lucy(
            camera,
            self._psf(-dz_um),
            self._psf(0.0),
            background=intensity_scale(camera).background,
            iterations=self._iterations,
        )

    def _psf(self, defocus_um: float) -> NDArray[np.float32]:
        """Return the PSF slice that a point shows ``defocus_um`` above its own plane."""
        return self._slices[round(defocus_um / self._step_um)]

    def _psf_slices(
        self, shifts: Sequence[int], system: ImagingSystem
    ) -> dict[int, NDArray[np.float32]]:
        psf = point_spread_function(
            self.parameters,
            torch.tensor(shifts) * system.z_step_um,
            size_px=PSF_SIZE_PX + 1,
            pixel_size_um=system.pixel_size_um,
        )
        # An even image has its point right of the middle: the first row and column go.
        return dict(zip(shifts, psf[:, 1:, 1:].numpy(), strict=True))


def _references(
    system: ImagingSystem,
    seeds: Sequence[int],
    specimens: Sequence[str],
    noises: Sequence[Noise],
    settings: BenchmarkSettings,
    other: DeepZModel | None,
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
    model: DeepZModel, reference: ReferenceStack, settings: BenchmarkSettings
) -> Iterator[tuple[float, ComparedMethod, ImageMetrics]]:
    """Yield the metrics of every method for input planes drawn from the stack."""
    distances = sorted({sign * dz + 0.0 for dz in settings.distances_um for sign in (-1.0, 1.0)})
    random = np.random.default_rng(reference.stack.seed)
    for dz in distances:
        for source, target in reference.draw_pairs(dz, settings.inputs_per_distance, random):
            for method, metrics in reference.metrics(model, source, target):
                yield dz, method, metrics


def _measure_beads(
    model: DeepZModel, reference: ReferenceStack, settings: BenchmarkSettings
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
        true = measure(reference.stack.truth[target], positions)
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
    spots = reference.stack.truth[planes, y - radius : y + radius + 1, x - radius : x + radius + 1]
    brightest = int(planes[spots.max(axis=(1, 2)).argmax()])
    return brightest if 0 < brightest < len(reference.z_um) - 1 else None
