"""Accuracy against a condition at several refocusing distances, for `exposure` and `density`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from deepz_zoo.evaluation.conditions import ConditionStacks, stacks_of_seed
from deepz_zoo.evaluation.limits import trained_interval
from deepz_zoo.experiments.comparison import Comparison
from deepz_zoo.experiments.drawing import draw_metric
from deepz_zoo.experiments.planes import Planes
from deepz_zoo.experiments.result import Result
from deepz_zoo.files import Record
from deepz_zoo.records.conditions import LOGARITHMIC, Condition
from deepz_zoo.records.limits import LimitCurve, LimitPoint

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from deepz_zoo.experiments.subject import Subject

DISTANCES = (0.2, 0.5, 1.0)
"""Refocusing distances in half-ranges; each in both directions."""


class DistancePoint(LimitPoint):
    """Accuracy under one value of a condition at one distance.

    Attributes
    ----------
    distance_um
        |Δz|.
    """

    distance_um: float


class DistanceCurve(Record):
    """Accuracy against a condition at one distance |Δz|."""

    distance_um: float
    curve: LimitCurve


class ConditionResult(Result):
    """Curves over one condition, one for each distance, ascending."""

    curves: tuple[DistanceCurve, ...]

    def rows(self) -> Sequence[DistancePoint]:
        """Return a row for each distance and value."""
        return [
            DistancePoint(distance_um=each.distance_um, **dict(point))
            for each in self.curves
            for point in each.curve.points
        ]


def measure_curves(
    subject: Subject, condition: Condition, specimens: Sequence[str]
) -> tuple[DistanceCurve, ...]:
    """Measure the curve of a condition at every distance, on the same stacks.

    The stacks are those of the limits, see `ConditionStacks`, of another seed. Of every stack,
    input planes are drawn for every distance in both directions.
    """
    system = subject.system
    distances = [system.whole_steps_um(fraction) for fraction in DISTANCES]
    comparison = Comparison(subject.model)
    stacks = ConditionStacks(system, subject.first_seed, specimens, subject.shape_px)
    total = stacks_of_seed(condition, specimens)
    values: set[float] = set()
    for done, (value, reference) in enumerate(stacks.references(condition), 1):
        random = np.random.default_rng(subject.first_seed)
        planes = Planes.simulated(reference)
        for distance in distances:
            for dz in (-distance, distance):
                for source, target in planes.draw_pairs(dz, subject.pairs, random):
                    comparison.add((distance, value), planes, source, target)
        values.add(value)
        subject.progress("simulated stacks", done, total)
    return tuple(
        DistanceCurve(
            distance_um=distance,
            curve=LimitCurve(
                condition=condition,
                trained=trained_interval(condition, system),
                points=tuple(comparison.point((distance, each), each) for each in sorted(values)),
            ),
        )
        for distance in distances
    )


def plot_curves(curves: Sequence[DistanceCurve], quantity: str) -> Figure:
    """Draw the correlation, a panel for each distance; shaded where trained, dotted where it fails.

    Parameters
    ----------
    curves
        Of one condition.
    quantity
        The label of its axis, with the unit.
    """
    from matplotlib.figure import Figure

    figure = Figure(figsize=(3.4 * len(curves), 3.6), layout="constrained")
    panels = figure.subplots(1, len(curves), sharey=True, squeeze=False)[0]
    for each, axis in zip(curves, panels, strict=True):
        axis.axvspan(*each.curve.trained, color="C0", alpha=0.12, linewidth=3)
        draw_metric(axis, each.curve.points, "correlation")
        for limit in each.curve.usable():
            if limit is not None:
                axis.axvline(limit, color="C3", linestyle=":")
        if each.curve.condition in LOGARITHMIC:
            axis.set_xscale("log")
        axis.set_title(f"|Δz| {each.distance_um:g} µm", fontsize=9)
        axis.set_xlabel(quantity, fontsize=8)
    panels[0].legend(fontsize=8)
    return figure
