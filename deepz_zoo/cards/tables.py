"""Accuracy and limits as Markdown tables."""

from __future__ import annotations

from typing import TYPE_CHECKING

from deepz_zoo.cards.labels import (
    CONDITION_LABELS,
    METHOD_LABELS,
    fails_text,
    interval_text,
    ratio_text,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from deepz_zoo.records.accuracy import Accuracy, BeadRow, MetricName, Noise
    from deepz_zoo.records.limits import LimitCurve
    from deepz_zoo.records.measured_stack import MeasuredStack
    from deepz_zoo.records.precision import PrecisionCost

# The metrics that are shown, with their digits.
_METRICS: dict[MetricName, int] = {
    "correlation": 3,
    "error_over_rms": 3,
    "ssim": 3,
    "mae": 4,
    "rmse": 4,
}


def two_column_table(rows: dict[str, str]) -> str:
    """Return names and values as a table without a heading."""
    lines = [f"| {key} | {value} |" for key, value in rows.items()]
    return "\n".join(["| | |", "|---|---|", *lines])


def accuracy_tables(accuracy: Accuracy) -> str:
    """Return the accuracy on simulated stacks: images for each kind of noise, then beads."""
    return "\n\n".join(
        [*(_image_table(accuracy, noise) for noise in accuracy.noises), _bead_table(accuracy.beads)]
    ).rstrip()


def precision_table(costs: Sequence[PrecisionCost]) -> str:
    """Return what precisions cost a model."""
    lines = [
        "| precision | correlation lost | at \\|Δz\\| µm | error/rms gained | images |",
        "|---|---:|---:|---:|---:|",
    ]
    lines += [
        f"| {cost.precision} | {cost.correlation_loss:.5f} | {cost.dz_um:g} | "
        f"{cost.error_over_rms_gain:.5f} | {cost.images} |"
        for cost in costs
    ]
    return "\n".join(lines)


def stack_tables(stack: MeasuredStack) -> str:
    """Return the accuracy on an acquired stack: images, and beads if it has them."""
    lines = [
        "| from plane | method | correlation | error/rms | SSIM |",
        "|---|---|---:|---:|---:|",
    ]
    for row in stack.images:
        at_focus = abs(row.from_focus_um) < 1e-6
        plane = "in focus" if at_focus else f"{row.from_focus_um:+g} µm from focus"
        lines.append(
            f"| {plane} | {METHOD_LABELS[row.method]} | {row.correlation:.3f} | "
            f"{row.error_over_rms:.3f} | {row.ssim:.3f} |"
        )
    beads = [
        f"| {row.dz_um:+g} | {METHOD_LABELS[row.method]} | {ratio_text(row.peak)} | "
        f"{ratio_text(row.fwhm)} | {ratio_text(row.flux)} |"
        for row in stack.beads
    ]
    if beads:
        lines += [
            "",
            "The bead brought to focus over Δz µm, refocused / recorded:",
            "",
            "| Δz µm | method | peak | FWHM | flux |",
            "|---:|---|---:|---:|---:|",
            *beads,
        ]
    return "\n".join(lines)


def limit_table(curve: LimitCurve) -> str:
    """Return the accuracy against one condition, with the limits above the table."""
    label = CONDITION_LABELS[curve.condition]
    lines = [
        f"**{label.heading}**: trained {interval_text(curve.trained)}, "
        f"{fails_text(curve.usable())}.",
        "",
        f"| {label.quantity} | correlation | input's | error/rms | input's | signal/noise |",
        "|---:|---:|---:|---:|---:|---:|",
    ]
    for point in curve.points:
        ratio = "–" if point.signal_to_noise is None else f"{point.signal_to_noise:.3g}"
        lines.append(
            f"| {point.value:g} | {point.model.correlation:.3f} | {point.input.correlation:.3f} | "
            f"{point.model.error_over_rms:.3f} | {point.input.error_over_rms:.3f} | {ratio} |"
        )
    return "\n".join(lines)


def _image_table(accuracy: Accuracy, noise: Noise) -> str:
    lines = [
        f"Mean over specimens, {noise} noise in the input:",
        "",
        "| \\|Δz\\| µm | method | correlation | error/rms | SSIM | MAE | RMSE |",
        "|---:|---|---:|---:|---:|---:|---:|",
    ]
    for dz in accuracy.distances_um:
        for method in accuracy.methods:
            cells = " | ".join(
                f"{accuracy.value(metric, dz=dz, noise=noise, method=method):.{digits}f}"
                for metric, digits in _METRICS.items()
            )
            lines.append(f"| {dz:g} | {METHOD_LABELS[method]} | {cells} |")
    return "\n".join(lines)


def _bead_table(rows: tuple[BeadRow, ...]) -> str:
    if not rows:
        return ""
    lines = [
        "Isolated beads brought to focus, median of refocused / true (quartiles):",
        "",
        "| noise | Δz µm | method | beads | peak | FWHM | flux | fits diverged |",
        "|---|---:|---|---:|---:|---:|---:|---:|",
    ]
    for row in rows:
        ratios = " | ".join(ratio_text(ratio) for ratio in (row.peak, row.fwhm, row.flux))
        lines.append(
            f"| {row.noise} | {row.dz_um:+g} | {METHOD_LABELS[row.method]} | {row.beads} | "
            f"{ratios} | {row.diverged} |"
        )
    return "\n".join(lines)
