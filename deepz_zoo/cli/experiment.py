"""``deepz-zoo experiment``: the experiments of the paper, on simulated data or on a stack."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from deepz_zoo.cli.image_options import stack_options
from deepz_zoo.cli.options import (
    EngineOptions,
    console,
    engine_options,
    input_channel_option,
    model_options,
    overwrite_option,
    show_progress,
    weights_option,
)
from deepz_zoo.cli.parameters import Integer, PathName
from deepz_zoo.experiments.catalogue import EXPERIMENTS, Experiment, get_experiment

if TYPE_CHECKING:
    from deepz_zoo.experiments.result import Report

_LIST = "\n".join(f"{each.name:<20}{each.panel:<16}{each.summary}" for each in EXPERIMENTS)


def _print_list(context: click.Context, _: click.Parameter, wanted: bool) -> None:
    """Print the experiments and end, as ``--help`` does."""
    if not wanted:
        return
    from rich.table import Table

    table = Table("experiment", "panel", "what is measured", "--stack")
    for each in EXPERIMENTS:
        table.add_row(each.name, each.panel, each.summary, "yes" if each.takes_stack else "")
    console().print(table)
    context.exit()


@click.command("experiment", epilog=f"\b\nExperiments:\n{_LIST}")
@click.argument(
    "experiment", metavar="NAME", type=click.Choice([each.name for each in EXPERIMENTS])
)
@model_options(argument=False, required=False)
@weights_option
@click.option(
    "--output",
    "-o",
    "folder",
    required=True,
    metavar="FOLDER",
    type=PathName(file_okay=False, path_type=Path),
    help="For NAME.json, NAME.csv, NAME.png and NAME.svg.",
)
@click.option(
    "--list",
    is_flag=True,
    is_eager=True,
    expose_value=False,
    callback=_print_list,
    help="List the experiments and exit.",
)
@click.option(
    "--stack",
    metavar="STACK.tif",
    type=PathName(path_type=Path),
    help="Measure on this z-stack of yours (increasing stage z), not on simulated ones.",
)
@stack_options
@input_channel_option
@click.option(
    "--seed",
    type=Integer(0, 99_999),
    default=0,
    show_default=True,
    help="Another held-out instrument, with other specimens.",
)
@click.option("--quick", is_flag=True, help="A first look: small images, fewer of them.")
@engine_options("torch", "float32", "cpu")
@overwrite_option
def command(
    *,
    experiment: str,
    model_name: str | None,
    weights: str | None,
    folder: Path,
    stack: Path | None,
    pixel_size_um: float | None,
    z_step_um: float | None,
    reverse: bool,
    input_channel: str | None,
    seed: int,
    quick: bool,
    engine_options: EngineOptions,
    overwrite: bool,
) -> None:
    """Repeat an experiment of the paper with a model.

    By default it is leica20x_0.8/TxRd; for cross-modality leica63x_1.4/FITC, which makes confocal
    planes.

    On simulated held-out stacks; some on a z-stack of yours too. The paper's numbers stand beside
    those that were measured.
    """
    from deepz_zoo.evaluation.benchmark import benchmark_system
    from deepz_zoo.experiments.outputs import output_paths, write_report
    from deepz_zoo.experiments.planes import Planes
    from deepz_zoo.experiments.run import run_experiment
    from deepz_zoo.experiments.subject import Subject
    from deepz_zoo.extras import require_plots
    from deepz_zoo.models import load_model, model_files

    chosen = get_experiment(experiment)
    _refuse_stack(chosen, stack, pixel_size_um, z_step_um, reverse, input_channel)
    name = model_name or (None if weights else chosen.model)
    outputs = output_paths(folder, chosen.name)
    _refuse_outputs(
        folder, outputs, [*model_files(name, weights), *filter(None, [stack])], overwrite
    )
    require_plots("an experiment")
    model, manifest = load_model(name, weights=weights)
    planes = None
    if stack is not None:
        planes = Planes.acquired(
            stack,
            manifest.system,
            pixel_size_um=pixel_size_um,
            z_step_um=z_step_um,
            reverse=reverse,
            input_channel=input_channel,
        )
    model = engine_options.apply(model, manifest)
    with show_progress() as progress:
        system = benchmark_system(manifest)
        subject = Subject(model, system, planes, seed=seed, quick=quick, progress=progress)
        report = run_experiment(chosen, subject, manifest)
    write_report(folder, chosen, report)
    _print(report, stack.name if stack else chosen.data)
    click.echo(f"{folder}: {', '.join(path.name for path in outputs)}")


def _refuse_stack(chosen: Experiment, stack: Path | None, *calibration: object) -> None:
    """Refuse a stack where an experiment takes none, and the calibration of no stack."""
    if stack is not None and not chosen.takes_stack:
        able = ", ".join(each.name for each in EXPERIMENTS if each.takes_stack)
        raise click.UsageError(
            f"{chosen.name} runs on simulated data only; leave --stack out, or use it with {able}"
        )
    if stack is None and any(calibration):
        raise click.UsageError(
            "--pixel-size, --z-step, --reverse and --input-channel are for --stack"
        )


def _refuse_outputs(
    folder: Path, outputs: tuple[Path, ...], inputs: list[Path], overwrite: bool
) -> None:
    """Check that the folder and its files may be written."""
    from deepz_zoo.errors import DeepZError
    from deepz_zoo.files import refuse_output

    if not folder.absolute().parent.is_dir():
        raise DeepZError(f"cannot write {folder}: the folder {folder.parent} does not exist")
    if folder.is_dir():
        for path in outputs:
            refuse_output(path, overwrite=overwrite, inputs=inputs)


def _print(report: Report, where: str) -> None:
    """Print what was found, the paper's numbers beside it."""
    from rich.markup import escape
    from rich.table import Table

    click.echo(f"{report.experiment} ({report.panel}): {report.model}, {report.size}, {where}")
    table = Table("", "paper", "ours")
    for finding in report.findings:
        table.add_row(*map(escape, (finding.quantity, finding.paper, finding.ours)))
    console().print(table)
