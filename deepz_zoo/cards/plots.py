"""Plots of accuracy against the refocusing distance, and of limits."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from deepz_zoo.cards.labels import CONDITION_LABELS, method_label
from deepz_zoo.files import replacing
from deepz_zoo.records.accuracy import (
    COMPARED_METHODS,
    MEAN,
    Accuracy,
    ComparedMethod,
    MetricName,
)
from deepz_zoo.records.conditions import LOGARITHMIC

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from deepz_zoo.records.limits import MeasuredLimits
    from deepz_zoo.records.measured_stack import StackAccuracy

_METRICS: tuple[tuple[MetricName, str], ...] = (
    ("correlation", "correlation with the ground truth"),
    ("error_over_rms", "error / rms of the ground truth"),
    ("ssim", "SSIM"),
)
# Color, marker and line of each method.
_STYLES: dict[ComparedMethod, tuple[str, str, str]] = {
    "model": ("C0", "o", "-"),
    "other": ("C4", "d", "--"),
    "blank": ("0.6", "", ":"),
    "input": ("C1", "s", "-"),
    "richardson_lucy": ("C2", "^", "-"),
}
_MAX_ERROR = 2.0


def plot_accuracy(accuracy: Accuracy) -> Figure:
    """Plot the mean over specimens against Δz: a row for each noise, a column for each metric."""
    noises = accuracy.noises
    figure, axes = _grid(len(noises), f"{accuracy.system_name}, held-out simulated stacks")
    for noise, row in zip(noises, axes, strict=True):
        for (metric, label), axis in zip(_METRICS, row, strict=True):
            for method in accuracy.methods:
                points = sorted(
                    (image.dz_um, getattr(image, metric))
                    for image in accuracy.images
                    if (image.noise, image.specimen, image.method) == (noise, MEAN, method)
                )
                _line(axis, points, method, accuracy.other)
            _finish(axis, metric, f"{label} ({noise} noise)")
    axes[0][0].legend(fontsize=8)
    return figure


def plot_stack_accuracy(accuracy: StackAccuracy) -> Figure:
    """Plot the accuracy on an acquired stack against Δz: a row for each plane that went in."""
    figure, axes = _grid(len(accuracy.sources_um), f"{accuracy.system_name}, acquired stack")
    for source, row in zip(accuracy.sources_um, axes, strict=True):
        for (metric, label), axis in zip(_METRICS, row, strict=True):
            for method in COMPARED_METHODS:
                points = sorted(
                    (image.dz_um, getattr(image, metric))
                    for image in accuracy.images
                    if (image.source_um, image.method) == (source, method)
                )
                if points:
                    _line(axis, points, method)
            _finish(axis, metric, f"{label} (from {source - accuracy.in_focus_um:+.2g} µm)")
    axes[0][0].legend(fontsize=8)
    return figure


def plot_limits(limits: MeasuredLimits) -> Figure:
    """Plot the correlation against each condition: shaded where trained, dotted where it fails."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(2.6 * len(limits.curves), 2.8), layout="constrained")
    panels = figure.subplots(1, len(limits.curves), sharey=True, squeeze=False)[0]
    for curve, axis in zip(limits.curves, panels, strict=True):
        label = CONDITION_LABELS[curve.condition]
        for method in ("model", "input"):
            points = [(p.value, getattr(p, method).correlation) for p in curve.points]
            _line(axis, points, method)
        # A single trained value is drawn as a line.
        axis.axvspan(*curve.trained, color="C0", alpha=0.12, linewidth=3)
        for limit in curve.usable():
            if limit is not None:
                axis.axvline(limit, color="C3", linestyle=":")
        if curve.condition in LOGARITHMIC:
            axis.set_xscale("log")
        axis.set_title(label.heading, fontsize=9)
        axis.set_xlabel(label.quantity, fontsize=8)
        axis.tick_params(labelsize=8)
        axis.grid(alpha=0.3)
    panels[0].set_ylabel("correlation with the ground truth", fontsize=8)
    panels[0].set_ylim(min(0, panels[0].get_ylim()[0]), 1)
    panels[0].legend(fontsize=8)
    return figure


def save_figure(figure: Figure, path: Path, *, dpi: int = 150) -> None:
    """Write a figure under a temporary name beside ``path``, then rename it.

    It is SVG where the name ends in .svg, and PNG otherwise. No library version, no date and no
    random name stand in the file: the same data give the same picture.
    """
    from matplotlib import rc_context

    with replacing(path) as temporary:
        if path.suffix.lower() == ".svg":
            with rc_context({"svg.hashsalt": "deepz-zoo"}):
                metadata = {"Creator": None, "Date": None}
                figure.savefig(temporary, format="svg", metadata=metadata)
        else:
            figure.savefig(temporary, format="png", dpi=dpi, metadata={"Software": None})


def _grid(rows: int, title: str) -> tuple[Figure, list[list[Axes]]]:
    # Figure without pyplot: no window system, no global state.
    from matplotlib.figure import Figure

    figure = Figure(figsize=(11, 3.2 * rows + 0.4), layout="constrained")
    figure.suptitle(title)
    grid = figure.subplots(rows, len(_METRICS), squeeze=False)
    return figure, [list(row) for row in grid]


def _line(
    axis: Axes,
    points: list[tuple[float, float]],
    method: ComparedMethod,
    other: str | None = None,
) -> None:
    x, y = zip(*points, strict=True)
    color, marker, line = _STYLES[method]
    axis.plot(
        x,
        y,
        label=method_label(method, other),
        color=color,
        marker=marker,
        linestyle=line,
        markersize=4,
    )


def _finish(axis: Axes, metric: MetricName, label: str) -> None:
    axis.set_xlabel("Δz in µm")
    axis.set_ylabel(label, fontsize=8)
    if metric == "error_over_rms":
        # A failed deconvolution would squeeze everything else into a line.
        axis.set_ylim(0, min(_MAX_ERROR, axis.get_ylim()[1]))
    else:
        axis.set_ylim(min(0, axis.get_ylim()[0]), 1)
    axis.grid(alpha=0.3)
