"""The benchmark under conditions that a model was not trained on, one changed at a time.

Specimens, instruments and noise are the same along a curve, so that only its condition differs
between its points. The comparison is that of the benchmark: raw camera image in, the noise-free
plane as the ground truth.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from deepz_zoo import __version__
from deepz_zoo.errors import DeepZError
from deepz_zoo.evaluation.benchmark import STEP, check_held_out
from deepz_zoo.evaluation.conditions import ConditionStacks, signed_distances, stacks_of_seed
from deepz_zoo.intensities.noise import signal_to_noise
from deepz_zoo.progress import Progress, no_progress
from deepz_zoo.records.accuracy import ImageMetrics
from deepz_zoo.records.conditions import CONDITIONS, Condition
from deepz_zoo.records.limits import LimitCurve, LimitPoint, LimitSettings, MeasuredLimits
from deepz_zoo.simulate import HELD_OUT_SEED

if TYPE_CHECKING:
    from torch import nn

    from deepz_zoo.evaluation.reference import ReferenceStack
    from deepz_zoo.optics import ImagingSystem

LIMITS_VERSION = 1
"""Raised whenever a definition changes, so that only results of one definition are compared."""

FIRST_SEED = HELD_OUT_SEED + 600_000
"""First seed of the curves: held out, and apart from those of the benchmark and of the packages."""
SEEDS = tuple(range(FIRST_SEED, FIRST_SEED + 2))
"""Seeds of the standard curves."""

_TRAINED_PEAKS = (1000.0, 28_000.0)
_TRAINED_DENSITIES = (1.0, 3.0)


def default_settings(system: ImagingSystem) -> LimitSettings:
    """Return the standard settings: curves at half of the half-range (5 µm at 20×)."""
    return LimitSettings(distance_um=system.whole_steps_um(0.5))


def quick_settings(system: ImagingSystem) -> LimitSettings:
    """Return settings for a first look: small images, one input per distance."""
    return default_settings(system).model_copy(
        update={"shape_px": (128, 128), "inputs_per_distance": 1}
    )


def measure_limits(
    model: nn.Module,
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
    model : nn.Module
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
    total = len(seeds) * sum(stacks_of_seed(condition, specimens) for condition in conditions)
    done = 0
    model.eval()
    tallies: dict[tuple[Condition, float], _Tally] = defaultdict(_Tally)
    for seed in seeds:
        instrument = ConditionStacks(system, seed, specimens, settings.shape_px)
        for condition in conditions:
            for value, reference in instrument.references(condition):
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
    model: nn.Module,
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
    values = sorted(value for measured, value in tallies if measured == condition)
    points = tuple(tallies[condition, value].point(value) for value in values)
    return LimitCurve(
        condition=condition, trained=trained_interval(condition, system), points=points
    )


def trained_interval(condition: Condition, system: ImagingSystem) -> tuple[float, float]:
    """Return the interval of a condition that models are trained on."""
    trained: dict[Condition, tuple[float, float]] = {
        "distance": (min(_trained(system)), max(_trained(system))),
        "signal": _TRAINED_PEAKS,
        "density": _TRAINED_DENSITIES,
        "spherical_aberration": (1.0, 1.0),
        "pixel_size": (1.0, 1.0),
    }
    return trained[condition]


def _trained(system: ImagingSystem) -> list[float]:
    """Return the distances of the curve that lie within the trained range."""
    return [dz for dz in signed_distances(system) if abs(dz) <= system.z_range_um + 1e-6]
