"""``deepz-zoo evaluate neurons``: neurons that were measured, against the true ones."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from deepz_zoo.cli.evaluate.output import Outputs, output_options
from deepz_zoo.cli.options import console
from deepz_zoo.cli.parameters import Number, PathName

if TYPE_CHECKING:
    from deepz_zoo.records.neuron_score import NeuronScore


@click.command("neurons")
@click.argument("path", metavar="FOLDER", type=PathName(path_type=Path))
@click.option(
    "--truth",
    required=True,
    metavar="FOLDER",
    type=PathName(path_type=Path),
    help="That of 'deepz-zoo simulate --specimen worm --video', or with tables as there.",
)
@click.option(
    "--within",
    "within_um",
    type=Number(min=0, min_open=True),
    default=2.0,
    show_default=True,
    metavar="UM",
    help="How far a found neuron may lie from its true one; twice as far in z.",
)
@output_options
def neurons(*, path: Path, truth: Path, within_um: float, outputs: Outputs) -> None:
    """Compare neurons in FOLDER, of 'deepz-zoo measure neurons', with the true ones.

    \b
    deepz-zoo simulate leica20x_0.8/TxRd --specimen worm --video -o worm
    deepz-zoo measure neurons worm/video.ome.tif -o found --nuclei nuclei --plane-only
    deepz-zoo evaluate neurons found --truth worm/truth
    """  # noqa: D301 - click reads the backspace
    from deepz_zoo.evaluation.neuron_plot import plot_neuron_score
    from deepz_zoo.evaluation.neurons import read_neurons, score_neurons

    score = score_neurons(
        read_neurons(path), read_neurons(truth), within_um=within_um, within_z_um=2 * within_um
    )
    _print(score)
    outputs.write(score, plot_neuron_score)


def _print(score: NeuronScore) -> None:
    from rich.table import Table

    out = console()
    depth = "" if score.within_z_um is None else f" and {score.within_z_um:g} µm in z"
    out.print(
        f"{score.found} of {score.true} neurons found within {score.within_um:g} µm{depth}; "
        f"{score.missed} missed, {score.merged} of them merged with another one; "
        f"{score.false} false",
        soft_wrap=True,
    )
    if score.lateral_error_um is not None:
        axial = "" if score.axial_error_um is None else f", {score.axial_error_um:.2f} µm in z"
        out.print(f"median distance {score.lateral_error_um:.2f} µm{axial}")
    if score.correlation is not None:
        low, middle, high = score.correlation
        out.print(f"correlation of active neurons' traces {middle:.2f} ({low:.2f} to {high:.2f})")
    if score.rand_index is not None:
        out.print(f"adjusted Rand index {score.rand_index:.2f} of {score.clustered} neurons")
    table = Table("Δz µm", "neurons", "found", "merged", "correlation", header_style="bold")
    for row in score.depths:
        correlation = "" if row.correlation is None else f"{row.correlation:.2f}"
        counts = map(str, (row.true, row.found, row.merged))
        table.add_row(f"{row.from_um:+g} to {row.to_um:+g}", *counts, correlation)
    out.print(table)
