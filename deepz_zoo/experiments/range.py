"""Fig. S2: refocusing within and beyond the axial range of the training."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from deepz_zoo.experiments.comparison import Comparison
from deepz_zoo.experiments.drawing import draw_metric
from deepz_zoo.experiments.result import Finding, Result
from deepz_zoo.records.limits import LimitCurve, LimitPoint

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from deepz_zoo.experiments.planes import Planes
    from deepz_zoo.experiments.subject import Subject
    from deepz_zoo.records.accuracy import MetricName

FARTHEST = 2.0
"""Largest distance, in half-ranges."""
STEPS, QUICK_STEPS = 40, 8
"""Intervals between the distances, from one side to the other."""
_DRAWN: tuple[MetricName, ...] = ("correlation", "rmse", "ssim")


class RangeResult(Result):
    """Accuracy against the refocusing distance.

    Attributes
    ----------
    half_range_um
        The largest distance that the model was trained for.
    curve
        Metrics of refocused images and of their inputs against Δz in µm.
    """

    half_range_um: float
    curve: LimitCurve

    def rows(self) -> Sequence[LimitPoint]:
        """Return a row for each distance, ascending."""
        return self.curve.points

    def findings(self) -> tuple[Finding, ...]:
        """Return where the model fails, see `LimitCurve.usable`."""
        low, high = self.curve.usable()
        first, last = self.curve.points[0].value, self.curve.points[-1].value
        return (
            Finding(
                quantity=f"fails below, µm (trained from {-self.half_range_um:g})",
                paper="-10",
                ours=f"not down to {first:g}" if low is None else f"{low:g}",
            ),
            Finding(
                quantity=f"fails above, µm (trained to {self.half_range_um:g})",
                paper="10",
                ours=f"not up to {last:g}" if high is None else f"{high:g}",
            ),
        )


def run(subject: Subject) -> RangeResult:
    """Measure the accuracy against the refocusing distance (Supplementary Fig. S2).

    Distances go from minus to plus twice the half-range. Simulated stacks span as much, as the
    paper's 81 planes from -20 to 20 µm do. Targets lie within the half-range from focus, so that
    they are as sharp for long distances as for short ones; inputs lie anywhere in the stack. The
    main text says that refocusing "is limited to be within the axial range
    determined by the training dataset (e.g., ±10 µm in this work), and fails outside"; what counts
    as failing is not printed. Here it is less than 0.9 of the correlation at the trained edge, or
    less than that of the input.
    """
    half_range = subject.system.z_range_um
    comparison = Comparison(subject.model)
    measured: set[float] = set()
    random = np.random.default_rng(subject.first_seed)
    for planes in subject.stacks(z_range_um=FARTHEST * half_range):
        distances = _distances(subject, planes)
        for done, dz in enumerate(distances, 1):
            pairs = planes.draw_pairs(dz, subject.pairs, random, within_um=half_range)
            for source, target in pairs:
                comparison.add(dz, planes, source, target)
            measured.update([dz] if pairs else [])
            subject.progress(f"distances of {planes.name}", done, len(distances))
    points = tuple(comparison.point(dz, dz) for dz in sorted(measured))
    trained = [point.value for point in points if abs(point.value) <= half_range + 1e-6]
    curve = LimitCurve(condition="distance", trained=(min(trained), max(trained)), points=points)
    return RangeResult(half_range_um=half_range, curve=curve)


def _distances(subject: Subject, planes: Planes) -> list[float]:
    """Return the distances of the curve, ascending, in whole steps of a stack."""
    steps = QUICK_STEPS if subject.quick else STEPS
    farthest = FARTHEST * subject.system.z_range_um
    wanted = np.linspace(-farthest, farthest, steps + 1)
    shifts = {round(float(dz) / planes.step_um) for dz in wanted}
    return [round(shift * planes.step_um, 6) for shift in sorted(shifts)]


def plot(result: RangeResult) -> Figure:
    """Draw correlation, error and SSIM against Δz; what was trained is shaded."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(10, 3.6), layout="constrained")
    for metric, axis in zip(_DRAWN, figure.subplots(1, 3), strict=True):
        axis.axvspan(-result.half_range_um, result.half_range_um, color="C0", alpha=0.12)
        draw_metric(axis, result.curve.points, metric)
        axis.set_xlabel("Δz in µm")
    figure.axes[0].legend(fontsize=8)
    return figure
