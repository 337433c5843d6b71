"""The benchmark under conditions that a model was not trained on, one changed at a time.

Specimens, instruments and noise are the same along a curve, so that only its condition differs
between its points. The comparison is that of the benchmark: raw camera image in, the noise-free
plane as the ground truth.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterator, Sequence
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
import torch

from deepz_zoo import __version__
from deepz_zoo.errors import DeepZError
from deepz_zoo.evaluation.benchmark import STEP, check_held_out
from deepz_zoo.evaluation.reference import ReferenceStack
from deepz_zoo.intensities.noise import signal_to_noise
from deepz_zoo.optics.psf import PsfParameters
from deepz_zoo.progress import Progress, no_progress
from deepz_zoo.records.accuracy import ImageMetrics
from deepz_zoo.records.conditions import CONDITIONS, Condition
from deepz_zoo.records.limits import LimitCurve, LimitPoint, LimitSettings, MeasuredLimits
from deepz_zoo.simulate import HELD_OUT_SEED
from deepz_zoo.simulate.camera import Camera, Exposure
from deepz_zoo.simulate.specimens import Emitters, draw_specimen, scattered_beads
from deepz_zoo.simulate.stack import acquire_stack, make_microscope

if TYPE_CHECKING:
    from deepz_zoo.network.graph.wrapper import DeepZModel
    from deepz_zoo.optics import ImagingSystem
    from deepz_zoo.simulate.widefield import WideField

LIMITS_VERSION = 1
"""Raised whenever a definition changes, so that only results of one definition are compared."""

FIRST_SEED = HELD_OUT_SEED + 600_000
"""First seed of the curves: held out, and apart from those of the benchmark and of the packages."""
SEEDS = tuple(range(FIRST_SEED, FIRST_SEED + 2))
"""Seeds of the standard curves."""

DISTANCES = (0.2, 0.5, 1.0, 1.25, 1.5)
"""Fractions of the half-range; each is measured in both directions, and 0 once."""
PEAKS_ELECTRONS = (100.0, 300.0, 1000.0, 3000.0, 10_000.0, 28_000.0, 100_000.0)
"""Training saw the brightest pixel of a stack between 1000 and 28 000 electrons."""
BACKGROUND_ELECTRONS = 30.0
DENSITIES = (1.0, 3.0, 10.0, 30.0, 100.0, 300.0)
"""Beads per 1000 µm²; training has isolated beads up to 3.3, and clusters of up to about 40."""
ABERRATIONS = (-1.0, -0.5, 0.0, 0.5, 1.0, 1.5)
"""Factors of the spherical aberration."""
PIXEL_SIZES = (0.8, 0.9, 1.0, 1.1, 1.2)
"""True pixel size over the model's."""

_TRAINED_PEAKS = (1000.0, 28_000.0)
_TRAINED_DENSITIES = (1.0, 3.0)

DENSITY_STACKS = 4
DENSITY_SEED_STEP = 1000


def default_settings(system: ImagingSystem) -> LimitSettings:
    """Return the standard settings: curves at half of the half-range (5 µm at 20×)."""
    return LimitSettings(distance_um=system.whole_steps_um(0.5))


def quick_settings(system: ImagingSystem) -> LimitSettings:
    """Return settings for a first look: small images, one input per distance."""
    return default_settings(system).model_copy(
        update={"shape_px": (128, 128), "inputs_per_distance": 1}
    )


def measure_limits(
    model: DeepZModel,
    system: ImagingSystem,
    *,
    conditions: Sequence[Condition] = CONDITIONS,
    seeds: Sequence[int] = SEEDS,
    specimens: Sequence[str] | None = None,
    settings: LimitSettings | None = None,
    progress: Progress = no_progress,
) -> MeasuredLimits:
    """Measure how a model's accuracy falls where a condition leaves what it was trained on.

    Parameters
    ----------
    model : DeepZModel
        The graph wrapper: camera image and DPM in µm in, camera units out.
    system : ImagingSystem
        The microscope that the model was trained for.
    conditions : sequence of Condition
        Which curves to measure; they come in the order of ``CONDITIONS``.
    seeds : sequence of int
        One instrument per seed; from ``HELD_OUT_SEED`` upward.
    specimens : sequence of str
        Among ``SPECIMENS``, those of the system by default; the curve over density has its own.
    settings : LimitSettings, optional
        The standard ones of the system by default.
    progress : Progress
        Told of each stack.

    Raises
    ------
    DeepZError
        If a seed was open to training, or the distance of the settings lies beyond the range.
    """
    specimens = specimens or system.specimen_kinds
    check_held_out(seeds, specimens)
    settings = settings or default_settings(system)
    if not 0 < settings.distance_um <= system.z_range_um:
        raise DeepZError(
            f"curves at a distance of {settings.distance_um:g} µm; expected more than 0 and at "
            f"most {system.z_range_um:g} µm, the range of {system.name}"
        )
    conditions = [condition for condition in CONDITIONS if condition in conditions]
    total = len(seeds) * sum(_stacks_of_seed(condition, specimens) for condition in conditions)
    done = 0
    model.eval()
    tallies: dict[tuple[Condition, float], _Tally] = defaultdict(_Tally)
    for seed in seeds:
        bench = _Bench(system, seed, specimens, settings.shape_px)
        for condition in conditions:
            for value, reference in bench.references(condition):
                _measure(model, reference, condition, value, settings, tallies)
                done += 1
                progress(STEP, done, total)
    return MeasuredLimits(
        version=LIMITS_VERSION,
        code_version=__version__,
        system_name=system.name,
        seeds=tuple(seeds),
        specimens=tuple(specimens),
        settings=settings,
        curves=tuple(_curve(condition, system, tallies) for condition in conditions),
    )


class _Tally:
    """Single measurements under one value of a condition."""

    def __init__(self) -> None:
        self.model: list[ImageMetrics] = []
        self.input: list[ImageMetrics] = []
        self.signal_to_noise: list[float] = []

    def point(self, value: float) -> LimitPoint:
        ratio = float(np.median(self.signal_to_noise)) if self.signal_to_noise else None
        return LimitPoint(
            value=value,
            images=len(self.model),
            model=ImageMetrics.mean_of(self.model),
            input=ImageMetrics.mean_of(self.input),
            signal_to_noise=None if ratio is None else float(f"{ratio:.3g}"),
        )


def _measure(
    model: DeepZModel,
    reference: ReferenceStack,
    condition: Condition,
    value: float,
    settings: LimitSettings,
    tallies: dict[tuple[Condition, float], _Tally],
) -> None:
    """Refocus planes of a stack in both directions, and tally the metrics by the value."""
    random = np.random.default_rng(reference.stack.seed)
    if condition == "distance":
        distances = signed_distances(reference.stack.system)
    else:
        distances = (-settings.distance_um, settings.distance_um)
    for dz in distances:
        tally = tallies[condition, dz if condition == "distance" else value]
        for source, target in reference.draw_pairs(dz, settings.inputs_per_distance, random):
            metrics = dict(reference.metrics(model, source, target))
            tally.model.append(metrics["model"])
            tally.input.append(metrics["input"])
            ratio = signal_to_noise(reference.stack.camera[source])
            if ratio is not None:
                tally.signal_to_noise.append(ratio)


def _curve(
    condition: Condition,
    system: ImagingSystem,
    tallies: dict[tuple[Condition, float], _Tally],
) -> LimitCurve:
    trained: dict[Condition, tuple[float, float]] = {
        "distance": (min(_trained(system)), max(_trained(system))),
        "signal": _TRAINED_PEAKS,
        "density": _TRAINED_DENSITIES,
        "spherical_aberration": (1.0, 1.0),
        "pixel_size": (1.0, 1.0),
    }
    values = sorted(value for measured, value in tallies if measured == condition)
    points = tuple(tallies[condition, value].point(value) for value in values)
    return LimitCurve(condition=condition, trained=trained[condition], points=points)


def signed_distances(system: ImagingSystem) -> tuple[float, ...]:
    """Return the signed distances of the curve, whole steps of the stack, ascending."""
    one_way = [system.whole_steps_um(fraction) for fraction in DISTANCES]
    return tuple(sorted({0.0, *one_way, *(-dz for dz in one_way)}))


def _trained(system: ImagingSystem) -> list[float]:
    """Return the distances of the curve that lie within the trained range."""
    return [dz for dz in signed_distances(system) if abs(dz) <= system.z_range_um + 1e-6]


def _stacks_of_seed(condition: Condition, specimens: Sequence[str]) -> int:
    stacks: dict[Condition, int] = {
        "distance": len(specimens),
        "signal": len(specimens) * len(PEAKS_ELECTRONS),
        "density": len(DENSITIES) * DENSITY_STACKS,
        "spherical_aberration": len(specimens) * len(ABERRATIONS),
        "pixel_size": len(specimens) * len(PIXEL_SIZES),
    }
    return stacks[condition]


class _Bench:
    """The instrument of one seed, and the stacks that it takes under each condition."""

    def __init__(
        self,
        system: ImagingSystem,
        seed: int,
        specimens: Sequence[str],
        shape_px: tuple[int, int],
    ) -> None:
        self.system, self.seed, self.specimens, self.shape_px = system, seed, specimens, shape_px
        self.parameters = PsfParameters.draw(system, torch.Generator().manual_seed(seed))

    def references(self, condition: Condition) -> Iterator[tuple[float, ReferenceStack]]:
        """Simulate the stacks of one curve; with each comes the value of the condition."""
        make = {
            "distance": self._unchanged,
            "signal": self._signal,
            "density": self._density,
            "spherical_aberration": self._spherical_aberration,
            "pixel_size": self._pixel_size,
        }
        return make[condition]()

    @cached_property
    def _usual(self) -> WideField:
        return self._microscope(self.parameters)

    def _microscope(self, parameters: PsfParameters, pixels: float = 1.0) -> WideField:
        """Return a microscope; `pixels` is its pixel size over the usual one, for one field."""
        ny, nx = (2 * round(side / pixels / 2) for side in self.shape_px)
        system = self._sampled(pixels * self.system.pixel_size_um)
        return make_microscope(system, (ny, nx), parameters)

    def _sampled(self, pixel_size_um: float) -> ImagingSystem:
        return self.system.model_copy(update={"pixel_size_um": pixel_size_um})

    def _specimens(self) -> Iterator[tuple[str, Emitters, torch.Generator]]:
        """Yield the same specimens for every condition, each with the source of its noise."""
        for name in self.specimens:
            generator = torch.Generator().manual_seed(self.seed)
            yield name, draw_specimen(name, self._usual.volume, generator), generator

    def _references(
        self,
        microscope: WideField,
        *,
        exposure: Exposure | None = None,
        camera: Camera | None = None,
    ) -> Iterator[ReferenceStack]:
        """Take a stack of every specimen, with the exposure of low noise by default."""
        for name, emitters, generator in self._specimens():
            yield self._reference(microscope, name, emitters, generator, exposure, camera)

    def _reference(
        self,
        microscope: WideField,
        name: str,
        emitters: Emitters,
        generator: torch.Generator,
        exposure: Exposure | None = None,
        camera: Camera | None = None,
    ) -> ReferenceStack:
        stack = acquire_stack(
            self._sampled(microscope.volume.pixel_size_um),
            emitters,
            microscope,
            exposure or Exposure.draw("low", torch.Generator().manual_seed(self.seed)),
            specimen=name,
            seed=self.seed,
            generator=generator,
            camera=camera,
        )
        return ReferenceStack.of(stack)

    def _unchanged(self) -> Iterator[tuple[float, ReferenceStack]]:
        for reference in self._references(self._usual):
            yield 0.0, reference

    def _signal(self) -> Iterator[tuple[float, ReferenceStack]]:
        # The ground truth has no full well; the recording still ends at 65535, as 16 bits do.
        camera = Camera(full_well=math.inf)
        for peak in PEAKS_ELECTRONS:
            exposure = Exposure(peak=peak, background=BACKGROUND_ELECTRONS)
            for reference in self._references(self._usual, exposure=exposure, camera=camera):
                yield peak, reference

    def _density(self) -> Iterator[tuple[float, ReferenceStack]]:
        volume = self._usual.volume
        depth_um = self.system.z_range_um
        for density in DENSITIES:
            count = max(1, round(density * math.prod(volume.size_um) / 1000))
            for index in range(DENSITY_STACKS):
                generator = torch.Generator().manual_seed(self.seed + index * DENSITY_SEED_STEP)
                beads = scattered_beads(volume, count, depth_um, generator)
                yield density, self._reference(self._usual, "beads", beads, generator)

    def _spherical_aberration(self) -> Iterator[tuple[float, ReferenceStack]]:
        for factor in ABERRATIONS:
            parameters = self.parameters.with_spherical_aberration(factor)
            microscope = self._usual if factor == 1 else self._microscope(parameters)
            for reference in self._references(microscope):
                yield factor, reference

    def _pixel_size(self) -> Iterator[tuple[float, ReferenceStack]]:
        for pixels in PIXEL_SIZES:
            usual = pixels == 1
            microscope = self._usual if usual else self._microscope(self.parameters, pixels)
            for reference in self._references(microscope):
                yield pixels, reference
