"""Eqs. (10) to (13): the paper's five metrics against the plane that is asked for."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from deepz_zoo.experiments.comparison import Comparison
from deepz_zoo.experiments.drawing import METRIC_LABELS, draw_metric
from deepz_zoo.experiments.result import UNPRINTED, Finding, Result
from deepz_zoo.records.accuracy import ImageMetrics, MetricName
from deepz_zoo.records.limits import LimitPoint

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from deepz_zoo.experiments.subject import Subject

METRICS: tuple[MetricName, ...] = ("mse", "rmse", "mae", "correlation", "ssim")
"""In the order of the paper."""
QUICK_PLANES = 9


class MetricsResult(Result):
    """The metrics of every plane that one plane was refocused to.

    Attributes
    ----------
    points
        Means over the specimens; the value is z in µm from the input plane.
    """

    points: tuple[LimitPoint, ...]

    def rows(self) -> Sequence[LimitPoint]:
        """Return a row for each plane, ascending in z."""
        return self.points

    def findings(self) -> tuple[Finding, ...]:
        """Return the means over z of all planes but the input itself."""
        others = [point for point in self.points if point.value != 0]
        ours = ImageMetrics.mean_of([point.model for point in others])
        given = ImageMetrics.mean_of([point.input for point in others])
        return tuple(
            Finding(
                quantity=f"{METRIC_LABELS[name]}, mean over z (of the input)",
                paper=UNPRINTED,
                ours=f"{getattr(ours, name):.4f} ({getattr(given, name):.4f})",
            )
            for name in METRICS
        )


def run(subject: Subject) -> MetricsResult:
    """Measure the metrics of the Methods, Eqs. (10) to (13), against z.

    The plane in focus of an acquired stack, or the middle one of simulated stacks, is refocused to
    every plane within the half-range. Images are in the paper's normalization by the scale of the
    whole stack, which MSE, RMSE and MAE depend on. The paper's text holds the equations alone. The
    constants of SSIM, which it leaves open, are those of its reference 55.
    """
    comparison = Comparison(subject.model)
    measured: set[float] = set()
    for planes in subject.stacks():
        source = planes.nearest(0)
        targets = planes.within(subject.system.z_range_um)
        if subject.quick:
            targets = _evenly(targets, source)
        for done, target in enumerate(targets, 1):
            dz = round(float(planes.z_um[target] - planes.z_um[source]), 6) + 0.0
            comparison.add(dz, planes, source, target)
            measured.add(dz)
            subject.progress(f"planes of {planes.name}", done, len(targets))
    return MetricsResult(points=tuple(comparison.point(dz, dz) for dz in sorted(measured)))


def _evenly(targets: Sequence[int], source: int) -> list[int]:
    """Return a few planes, the input among them."""
    step = max(1, len(targets) // (QUICK_PLANES - 1))
    return [target for target in targets if (target - source) % step == 0]


def plot(result: MetricsResult) -> Figure:
    """Draw a panel for each metric."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(13, 3.8), layout="constrained")
    for axis, metric in zip(figure.subplots(1, len(METRICS)), METRICS, strict=True):
        draw_metric(axis, result.points, metric)
        axis.set_xlabel("z from the input plane in µm", fontsize=8)
    figure.axes[0].legend(fontsize=7)
    return figure
