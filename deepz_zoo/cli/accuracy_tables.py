"""Tables of accuracy, as ``evaluate`` and ``info`` print them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from deepz_zoo.cli.options import console

if TYPE_CHECKING:
    from rich.table import Table

    from deepz_zoo.records.accuracy import Accuracy, BeadMetrics, Noise
    from deepz_zoo.records.limits import LimitCurve, MeasuredLimits
    from deepz_zoo.records.measured_stack import StackAccuracy

SHOWN_TARGETS = 7


def print_accuracy(accuracy: Accuracy) -> None:
    """Print the accuracy on simulated stacks."""
    output = console()
    for noise in accuracy.noises:
        output.print(image_table(accuracy, noise))
    if accuracy.beads:
        output.print(bead_table(accuracy))
    output.print(
        f"{len(accuracy.seeds)} held-out stacks of each of {', '.join(accuracy.specimens)}; "
        "compared with noise-free planes, both directions of Δz."
    )


def bead_table(accuracy: Accuracy) -> Table:
    """Return the metrics of isolated beads brought to focus."""
    from rich.table import Table

    from deepz_zoo.cards.labels import method_label

    title = "Isolated beads brought to focus, refocused / true: median (quartiles)"
    table = Table(title=title, title_justify="left")
    _bead_columns(table, "noise", "Δz µm")
    for row in accuracy.beads:
        label = method_label(row.method, accuracy.other)
        _bead_row(table, row, label, row.noise, f"{row.dz_um:+g}")
    return table


def image_table(accuracy: Accuracy, noise: Noise) -> Table:
    """Return the mean over specimens of every method and distance for one kind of noise."""
    from rich.markup import escape
    from rich.table import Table

    from deepz_zoo.cards.labels import method_label
    from deepz_zoo.records.accuracy import METRIC_NAMES

    title = f"{accuracy.system_name}, {noise} noise, mean over specimens"
    table = Table(title=title, title_justify="left")
    table.add_column("|Δz| µm", justify="right")
    table.add_column("method", no_wrap=True)
    for metric in METRIC_NAMES:
        table.add_column(metric.replace("_over_", "/").replace("_", " "), justify="right")
    for distance in accuracy.distances_um:
        for method in accuracy.methods:
            values = (
                accuracy.value(metric, dz=distance, noise=noise, method=method)
                for metric in METRIC_NAMES
            )
            table.add_row(
                f"{distance:g}" if method == accuracy.methods[0] else "",
                escape(method_label(method, accuracy.other)),
                *(f"{value:.4f}" for value in values),
                style="bold" if method == "model" else None,
                end_section=method == accuracy.methods[-1],
            )
    return table


def print_stack_accuracy(accuracy: StackAccuracy, name: str) -> None:
    """Print the accuracy on an acquired stack that is called ``name``."""
    from rich.table import Table

    from deepz_zoo.cards.labels import method_label

    output = console()
    for source in accuracy.sources_um:
        output.print(_source_table(accuracy, source))
    if accuracy.beads:
        title = f"Beads above {accuracy.bead_threshold:.0%} of the scale, brought to focus"
        table = Table(title=title, title_justify="left")
        _bead_columns(table, "Δz µm")
        for row in accuracy.beads:
            _bead_row(table, row, method_label(row.method), f"{row.dz_um:+g}")
        output.print(table)
        output.print("Refocused / recorded, median over beads (quartiles).")
    output.print(
        f"{name}: {accuracy.planes} planes, step {accuracy.z_step_um:g} µm, pixel "
        f"{accuracy.pixel_size_um:g} µm, resampled ×{accuracy.resampled:.3g}; compared with the "
        "recorded planes, noise included."
    )


def print_limits(limits: MeasuredLimits) -> None:
    """Print a table for each condition, with the values between which the model is usable."""
    from deepz_zoo.records.limits import KEPT

    output = console()
    for curve in limits.curves:
        output.print(limit_table(curve))
        output.print(_usable_text(curve) + "\n")
    output.print(
        f"{limits.system_name}; held-out instruments: {len(limits.seeds)}; every condition but the "
        f"distance at |Δz| {limits.settings.distance_um:g} µm. The model fails where less than "
        f"{KEPT:.0%} of its correlation at the trained edge is left, or less than the "
        "input has. Bold: trained."
    )


def limit_summary(limits: MeasuredLimits) -> Table:
    """Return a row for each condition: what was trained on, and where the model fails."""
    from rich.table import Table

    from deepz_zoo.cards.labels import CONDITION_LABELS, interval_text

    table = Table(title="Limits", title_justify="left")
    for heading in ("condition", "trained", "measured", "fails below", "fails above"):
        table.add_column(heading)
    for curve in limits.curves:
        label = CONDITION_LABELS[curve.condition]
        table.add_row(
            f"{label.heading}: {label.quantity}",
            interval_text(curve.trained),
            interval_text((curve.points[0].value, curve.points[-1].value)),
            *("–" if limit is None else f"{limit:g}" for limit in curve.usable()),
        )
    return table


def limit_table(curve: LimitCurve) -> Table:
    """Return the metrics of the model and of its input against one condition."""
    from rich.table import Table

    from deepz_zoo.cards.labels import CONDITION_LABELS

    label = CONDITION_LABELS[curve.condition]
    table = Table(title=label.heading, title_justify="left")
    for heading in (label.quantity, "correlation", "input's", "error/rms", "input's"):
        table.add_column(heading, justify="right")
    for heading in ("signal/noise", "images"):
        table.add_column(heading, justify="right")
    low, high = curve.trained
    for point in curve.points:
        table.add_row(
            f"{point.value:g}",
            f"{point.model.correlation:.3f}",
            f"{point.input.correlation:.3f}",
            f"{point.model.error_over_rms:.3f}",
            f"{point.input.error_over_rms:.3f}",
            "–" if point.signal_to_noise is None else f"{point.signal_to_noise:.3g}",
            str(point.images),
            style="bold" if low <= point.value <= high else None,
        )
    return table


def _usable_text(curve: LimitCurve) -> str:
    found = [
        f"{side} {value:g}{_ratio_text(curve, value)}"
        for side, value in zip(("below", "above"), curve.usable(), strict=True)
        if value is not None
    ]
    return f"Fails {' and '.join(found)}." if found else "Fails at none of these values."


def _ratio_text(curve: LimitCurve, value: float) -> str:
    """Return a limit of the signal as signal/noise, which any image shows without calibration."""
    ratio = curve.signal_to_noise_at(value) if curve.condition == "signal" else None
    return "" if ratio is None else f" (signal/noise {ratio:g})"


def _source_table(accuracy: StackAccuracy, source_um: float) -> Table:
    from rich.table import Table

    place = source_um - accuracy.in_focus_um
    which = "in-focus plane" if place == 0 else f"plane {place:+.2f} µm from focus"
    table = Table(title=f"From the {which}", title_justify="left")
    table.add_column("Δz µm", justify="right")
    for heading in ("correlation", "input's", "error/rms", "input's", "SSIM", "input's"):
        table.add_column(heading, justify="right")
    rows = {
        (row.target_um, row.method): row for row in accuracy.images if row.source_um == source_um
    }
    targets = sorted({target for target, _ in rows})
    shown = sorted(
        {round(i * (len(targets) - 1) / (SHOWN_TARGETS - 1)) for i in range(SHOWN_TARGETS)}
    )
    for target in (targets[i] for i in shown):
        ours, theirs = rows[target, "model"], rows[target, "input"]
        table.add_row(
            f"{ours.dz_um:+.2f}",
            f"{ours.correlation:.3f}",
            f"{theirs.correlation:.3f}",
            f"{ours.error_over_rms:.3f}",
            f"{theirs.error_over_rms:.3f}",
            f"{ours.ssim:.3f}",
            f"{theirs.ssim:.3f}",
        )
    if len(targets) > 1:
        mean, other = accuracy.mean(source_um, "model"), accuracy.mean(source_um, "input")
        table.add_section()
        table.add_row(
            "mean",
            *(
                f"{getattr(metrics, metric):.3f}"
                for metric in ("correlation", "error_over_rms", "ssim")
                for metrics in (mean, other)
            ),
        )
    return table


def _bead_columns(table: Table, *first: str) -> None:
    for heading in first:
        table.add_column(heading, justify="right" if heading.startswith("Δz") else "left")
    table.add_column("method", no_wrap=True)
    for heading in ("beads", "peak", "FWHM", "flux", "true FWHM µm", "fits diverged"):
        table.add_column(heading, justify="right")


def _bead_row(table: Table, row: BeadMetrics, method: str, *first: str) -> None:
    from rich.markup import escape

    from deepz_zoo.cards.labels import ratio_text

    table.add_row(
        *first,
        escape(method),
        str(row.beads),
        ratio_text(row.peak),
        ratio_text(row.fwhm),
        ratio_text(row.flux),
        "–" if row.true_fwhm_um is None else f"{row.true_fwhm_um:.2f}",
        str(row.diverged),
    )
