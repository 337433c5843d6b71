"""``deepz-zoo prepare``: z-stacks of a microscope into pairs to train on."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from deepz_zoo.cli.fiji.options import imagej_option
from deepz_zoo.cli.option_names import warn, with_option_names
from deepz_zoo.cli.options import (
    console,
    json_option,
    model_options,
    overwrite_option,
    pixel_policy,
    print_json,
    show_progress,
)
from deepz_zoo.cli.parameters import Integer, Number, PathName

if TYPE_CHECKING:
    from deepz_zoo.images.sampling import Mismatch
    from deepz_zoo.preprocess.dataset.summary import DatasetSummary
    from deepz_zoo.preprocess.focus.projection import Steps
    from deepz_zoo.records.dataset import PreparationSettings, StackReading

_FILE = PathName(path_type=Path)
_LENGTH = Number(0, min_open=True)
_NUMBER = Integer(1)
_OLD_NAMES = {"validation-share": "validation-fraction"}

Decorator = Callable[[Callable[..., Any]], Callable[..., Any]]


def _in_order(*options: Decorator) -> Decorator:
    """Return one decorator that adds options in the order of the help."""

    def decorate(function: Callable[..., Any]) -> Callable[..., Any]:
        for option in reversed(options):
            function = option(function)
        return function

    return decorate


_reading_options = _in_order(
    click.option("--axes", metavar="zyx", help="Name the files' axes, where they do not."),
    click.option(
        "--input-channel",
        metavar="NAME|NUMBER",
        help="Channel of files with several: its name, or its number from 1.",
    ),
    click.option("--channel-index", type=_NUMBER, hidden=True),
    click.option(
        "--z-step",
        "z_step_um",
        type=_LENGTH,
        metavar="UM",
        help="Distance between planes, where the files do not state it or are wrong.",
    ),
    click.option(
        "--pixel-size",
        "pixel_size_um",
        type=_LENGTH,
        metavar="UM",
        help="Pixel size, where the files do not state it or are wrong.",
    ),
    click.option(
        "--resample",
        is_flag=True,
        help="Resample stacks of another pixel size to that of the objective.",
    ),
    click.option(
        "--ignore-pixel-size", is_flag=True, help="Go on although the pixel sizes differ."
    ),
)

# Their defaults are the paper's, where it gives a number.
_step_options = _in_order(
    click.option(
        "--align",
        type=click.Choice(["stackreg", "fiji", "none"]),
        help="How to align the planes; fiji runs its plugin.  [default: stackreg, rigid body]",
    ),
    click.option(
        "--edf",
        type=click.Choice(["wavelets", "plugin-exact", "fiji"]),
        help="How to make the extended-depth-of-field image; plugin-exact equals the plugin that "
        "fiji runs on images of any size.  [default: wavelets]",
    ),
    imagej_option,
    click.option(
        "--region",
        "region_px",
        type=Integer(32),
        metavar="PX",
        help="Side of a region.  [default: 256]",
    ),
    click.option(
        "--planes",
        "planes_each_side",
        type=Integer(2),
        metavar="N",
        help="Planes above and below the middle plane of a region.  [default: 20]",
    ),
    click.option(
        "--targets",
        type=_NUMBER,
        metavar="N",
        help="Targets per input plane.  [default: 7, or 4 with --target]",
    ),
    click.option(
        "--mask-low",
        type=_LENGTH,
        metavar="FRACTION",
        help="Foreground extends down to this fraction of the intensity scale.  [default: 0.1]",
    ),
    click.option(
        "--mask-high",
        type=_LENGTH,
        metavar="FRACTION",
        help="… from pixels above this fraction.  [default: 0.3]",
    ),
    click.option(
        "--validation-fraction",
        type=Number(0, 1, min_open=True, max_open=True),
        metavar="FRACTION",
        help="Fraction of the regions for validation.  [default: 0.15]",
    ),
    click.option("--seed", type=Integer(0), help="Seed of targets and split.  [default: 0]"),
)

_target_options = _in_order(
    click.option(
        "--target",
        "targets_from",
        type=_FILE,
        multiple=True,
        metavar="STACK",
        help="Targets of another modality, one per STACK in the same order (repeat).",
    ),
    click.option(
        "--target-modality",
        default="confocal",
        show_default=True,
        metavar="NAME",
        help="Modality of the targets.",
    ),
    click.option("--target-axes", metavar="zyx", help="As --axes, for the targets."),
    click.option(
        "--target-input-channel",
        metavar="NAME|NUMBER",
        help="As --input-channel, for the targets.",
    ),
    click.option("--target-channel-index", type=_NUMBER, hidden=True),
    click.option(
        "--target-z-step",
        "target_z_step_um",
        type=_LENGTH,
        metavar="UM",
        help="As --z-step, for the targets.",
    ),
    click.option(
        "--target-pixel-size",
        "target_pixel_size_um",
        type=_LENGTH,
        metavar="UM",
        help="As --pixel-size, for the targets.",
    ),
)


@click.command(
    "prepare",
    context_settings={"token_normalize_func": lambda name: _OLD_NAMES.get(name, name)},
)
@click.argument("stacks", metavar="STACK...", type=_FILE, nargs=-1, required=True)
@click.option(
    "-o", "--output", required=True, metavar="DATASET", type=_FILE, help="The folder to write."
)
@model_options(argument=False)
@click.option(
    "--test",
    "test_stacks",
    type=_FILE,
    multiple=True,
    metavar="STACK",
    help="Keep this stack for the test set, whether it is among STACK... or not (repeat).",
)
@_reading_options
@_step_options
@_target_options
@click.option(
    "--report",
    type=_FILE,
    metavar="FILE",
    help="Write a page (.html, .png) with alignment, regions, masks and focus curves.",
)
@overwrite_option
@json_option
def command(
    *,
    stacks: tuple[Path, ...],
    output: Path,
    model_name: str,
    test_stacks: tuple[Path, ...],
    targets_from: tuple[Path, ...],
    target_modality: str,
    fiji: str | None,
    resample: bool,
    ignore_pixel_size: bool,
    report: Path | None,
    overwrite: bool,
    as_json: bool,
    **options: Any,
) -> None:
    """Prepare training pairs from z-stacks, as in the Methods of the Deep-Z paper.

    STACK is a TIFF or OME-TIFF z-stack, or an OME-TIFF of several positions, each of which is a
    field of view. Planes are aligned, stacks are normalized by their extended-depth-of-field image,
    the foreground of that image is covered with regions, and pairs of planes are drawn from each.
    Whole fields of view are kept for validation if there are enough of them. To resume an
    interrupted preparation, repeat its command.

    \b
    deepz-zoo prepare worm*.tif -o worms --objective leica20x_0.8 --channel TxRd --report worms.html
    deepz-zoo prepare wide.tif -o plus --objective leica63x_1.4/FITC --target confocal.tif
    """  # noqa: D301 - click reads the backspace
    mismatch = pixel_policy(resample, ignore_pixel_size)

    from deepz_zoo.preprocess.dataset.plan import choose_preparation, list_stacks

    files = list_stacks(stacks, test_stacks, targets_from)

    from deepz_zoo.optics import get_system

    system = get_system(model_name)

    from deepz_zoo.files import refuse_output
    from deepz_zoo.preprocess.dataset.prepare import prepare_dataset
    from deepz_zoo.preprocess.dataset.report import check_report_name, write_report
    from deepz_zoo.preprocess.dataset.summary import summarize

    if report is not None:
        check_report_name(report)
        refuse_output(report, overwrite=overwrite, inputs=[*stacks, *test_stacks, *targets_from])
    reading, target_reading = (_reading(options, prefix, mismatch) for prefix in ("", "target_"))
    changes = {name: value for name, value in options.items() if value is not None}
    settings = choose_preparation(changes, paired=bool(targets_from))
    with show_progress() as progress:
        dataset = prepare_dataset(
            files,
            output,
            system,
            settings,
            reading=reading,
            target_reading=target_reading,
            target_modality=target_modality,
            steps=_steps(settings, fiji),
            overwrite=overwrite,
            progress=progress,
        )
    if report is not None:
        write_report(dataset, report)
    summary = summarize(dataset)
    if as_json:
        _print_json(summary)
        return
    _print(summary)
    if report is not None:
        click.echo(f"report: {report}")
    click.echo(f"next: deepz-zoo train {system.name} --data {output} -o RUN")


def _reading(options: dict[str, Any], prefix: str, mismatch: Mismatch) -> StackReading:
    """Take the options on how to read files of stacks, or of targets, out of `options`."""
    from deepz_zoo.preprocess.dataset.plan import choose_reading

    names = ("axes", "input_channel", "channel_index", "pixel_size_um", "z_step_um")
    given = {name: options.pop(f"{prefix}{name}") for name in names}
    # The old option takes a number alone, even if a channel has that number for a name.
    number = given.pop("channel_index")
    if number is not None:
        if given["input_channel"] is not None:
            option = f"--{prefix.replace('_', '-')}input-channel"
            raise click.UsageError(f"{option} replaces its old spelling; give one of them")
        given["input_channel"] = number
    return choose_reading(given | {"mismatch": mismatch}, prefix=prefix)


def _steps(settings: PreparationSettings, fiji: str | None) -> Steps:
    """Return the functions that align and project, with those of a new ImageJ as needed."""
    from deepz_zoo.preprocess.focus.projection import OWN_STEPS

    if "fiji" not in (settings.align, settings.edf):
        return OWN_STEPS

    from deepz_zoo.fiji.gateway import start_imagej
    from deepz_zoo.fiji.stackreg_and_edf_by_class import preparation_steps

    return preparation_steps(start_imagej(fiji), align=settings.align == "fiji", edf=settings.edf)


def _print_json(summary: DatasetSummary) -> None:
    parameters = click.get_current_context().command.params
    warnings = [with_option_names(warning, parameters) for warning in summary.warnings]
    print_json(summary.model_dump() | {"warnings": warnings})


def _print(summary: DatasetSummary) -> None:
    from rich.table import Table

    table = Table(box=None)
    table.add_column(summary.dataset)
    for split in summary.pairs:
        table.add_column(split, justify="right")
    for label, counts in (
        ("fields of view", summary.fields),
        ("regions", summary.regions),
        ("pairs", summary.pairs),
    ):
        table.add_row(label, *(f"{count:,}" for count in counts.values()))
    console().print(table)
    for reason, count in summary.left_out.items():
        click.echo(f"left out: {count} × {reason}")
    for field, planes in summary.rejected_planes.items():
        click.echo(f"alignment rejected: {field}, planes {_ranges(planes)}")
    if summary.clipped:
        click.echo(f"cut short by the ends of the stack: the planes of {summary.clipped} regions")
    for warning in summary.warnings:
        warn(warning)


def _ranges(numbers: Sequence[int]) -> str:
    """Return ascending numbers with consecutive ones joined, such as 1-4, 9."""
    runs: list[list[int]] = []
    for number in numbers:
        if runs and number == runs[-1][-1] + 1:
            runs[-1].append(number)
        else:
            runs.append([number])
    return ", ".join(f"{run[0]}-{run[-1]}" if len(run) > 1 else f"{run[0]}" for run in runs)
