"""``deepz-zoo prepare``: z-stacks of a microscope into pairs to train on."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from deepz_zoo.cli.fiji.options import imagej_option
from deepz_zoo.cli.options import (
    console,
    json_option,
    model_options,
    overwrite_option,
    pixel_policy,
    print_json,
    progress_bar,
)

if TYPE_CHECKING:
    from deepz_zoo.preprocess.dataset.plan import Progress, StackFile
    from deepz_zoo.preprocess.dataset.storage import PreparedDataset
    from deepz_zoo.preprocess.focus.projection import Steps
    from deepz_zoo.records.dataset import PreparationSettings

_FILE = click.Path(path_type=Path)


def _reading_options(function: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options that say how to understand the files."""
    size = click.FloatRange(0, min_open=True)
    for decorate in (
        click.option("--axes", metavar="zyx", help="Name the files' axes, where they do not."),
        click.option(
            "--channel-index",
            type=click.IntRange(1),
            metavar="N",
            help="Channel to take from files with several, from 1.",
        ),
        click.option(
            "--z-step",
            "z_step_um",
            type=size,
            metavar="UM",
            help="Distance between planes, where the files do not say or are wrong.",
        ),
        click.option(
            "--pixel-size",
            "pixel_size_um",
            type=size,
            metavar="UM",
            help="Pixel size, where the files do not say or are wrong.",
        ),
        click.option(
            "--resample",
            is_flag=True,
            help="Bring stacks of another pixel size to that of the objective.",
        ),
        click.option(
            "--ignore-pixel-size", is_flag=True, help="Go on although the pixel sizes differ."
        ),
    )[::-1]:
        function = decorate(function)
    return function


def _target_options(function: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options for targets of another modality (Deep-Z+)."""
    size = click.FloatRange(0, min_open=True)
    for decorate in (
        click.option(
            "--target",
            "targets_from",
            type=_FILE,
            multiple=True,
            metavar="STACK",
            help="Targets of another modality, one for each STACK in the same order (repeat).",
        ),
        click.option(
            "--target-modality",
            default="confocal",
            show_default=True,
            metavar="NAME",
            help="What the targets are.",
        ),
        click.option("--target-axes", metavar="zyx", help="As --axes, for the targets."),
        click.option(
            "--target-channel-index",
            type=click.IntRange(1),
            metavar="N",
            help="As --channel-index, for the targets.",
        ),
        click.option(
            "--target-z-step",
            "target_z_step_um",
            type=size,
            metavar="UM",
            help="As --z-step, for the targets.",
        ),
        click.option(
            "--target-pixel-size",
            "target_pixel_size_um",
            type=size,
            metavar="UM",
            help="As --pixel-size, for the targets.",
        ),
    )[::-1]:
        function = decorate(function)
    return function


def _step_options(function: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options of the steps; their defaults are the paper's where it gives a number."""
    for decorate in (
        click.option(
            "--align",
            type=click.Choice(["stackreg", "fiji", "none"]),
            help="How to align the planes; fiji runs its plugin.  [default: stackreg, rigid body]",
        ),
        click.option(
            "--edf",
            type=click.Choice(["wavelets", "plugin-exact", "fiji"]),
            help="What makes the extended-depth-of-field image; plugin-exact equals the plugin "
            "that fiji runs on images of any size.  [default: wavelets]",
        ),
        imagej_option,
        click.option(
            "--region",
            "region_px",
            type=click.IntRange(32),
            metavar="PX",
            help="Side of a region.  [default: 256]",
        ),
        click.option(
            "--planes",
            "planes_each_side",
            type=click.IntRange(2),
            metavar="N",
            help="Planes above and below the middle plane of a region.  [default: 20]",
        ),
        click.option(
            "--targets",
            type=click.IntRange(1),
            metavar="N",
            help="Targets of each input plane.  [default: 7, or 4 with --target]",
        ),
        click.option(
            "--mask-low",
            type=click.FloatRange(0, min_open=True),
            metavar="SHARE",
            help="Foreground reaches down to this share of the intensity scale.  [default: 0.1]",
        ),
        click.option(
            "--mask-high",
            type=click.FloatRange(0, min_open=True),
            metavar="SHARE",
            help="… from pixels above this share.  [default: 0.3]",
        ),
        click.option(
            "--validation-share",
            type=click.FloatRange(0, 1, min_open=True, max_open=True),
            metavar="SHARE",
            help="Part of the regions for validation.  [default: 0.15]",
        ),
        click.option(
            "--seed", type=click.IntRange(0), help="Seed of targets and split.  [default: 0]"
        ),
    )[::-1]:
        function = decorate(function)
    return function


@click.command("prepare")
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
    report: Path | None,
    overwrite: bool,
    as_json: bool,
    **options: Any,
) -> None:
    """Prepare training pairs from z-stacks, as the Methods of the Deep-Z paper say.

    STACK is a TIFF or OME-TIFF z-stack, or an OME-TIFF of several positions, each of which is a
    field of view. Planes are aligned, stacks normalized by their extended-depth-of-field image, its
    foreground covered with regions, and pairs of planes drawn from each. Whole fields of view go to
    validation where there are enough of them. A preparation that was interrupted goes on when its
    command is repeated.

    \b
    deepz-zoo prepare worm*.tif -o worms --objective leica20x_0.8 --channel TxRd --report worms.html
    deepz-zoo prepare wide.tif -o plus --objective leica63x_1.4/FITC --target confocal.tif
    """  # noqa: D301 - click reads the backspace
    files = _files(stacks, test_stacks, options.pop("targets_from"))
    target_modality = options.pop("target_modality")
    fiji = options.pop("fiji")
    mismatch = pixel_policy(options.pop("resample"), options.pop("ignore_pixel_size"))

    from deepz_zoo.optics import get_system

    system = get_system(model_name)

    from deepz_zoo.preprocess.dataset.prepare import prepare_dataset
    from deepz_zoo.preprocess.dataset.report import check_report_name, write_report
    from deepz_zoo.records.dataset import StackReading

    if report is not None:
        check_report_name(report)
    reading, target_reading = (
        StackReading(
            axes=options.pop(f"{prefix}axes"),
            channel_index=options.pop(f"{prefix}channel_index"),
            pixel_size_um=options.pop(f"{prefix}pixel_size_um"),
            z_step_um=options.pop(f"{prefix}z_step_um"),
            mismatch=mismatch,
        )
        for prefix in ("", "target_")
    )
    settings = _settings(options, paired=files[0].target is not None)
    with _progress() as progress:
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
    if as_json:
        print_json(_summary(dataset))
        return
    _print(dataset)
    if report is not None:
        click.echo(f"report: {report}")
    click.echo(f"next: deepz-zoo train {system.name} --data {output} -o RUN")


def _files(
    stacks: Sequence[Path], test_stacks: Sequence[Path], targets: Sequence[Path]
) -> list[StackFile]:
    """Return the stacks with their roles and targets."""
    from deepz_zoo.preprocess.dataset.plan import StackFile

    tested = {path.resolve() for path in test_stacks}
    given = {path.resolve() for path in stacks}
    stacks = [*stacks, *(path for path in test_stacks if path.resolve() not in given)]
    if targets and len(targets) != len(stacks):
        raise click.UsageError(
            f"{len(stacks)} stacks and {len(targets)} targets; give --target once for each stack, "
            "in the order of the stacks"
        )
    return [
        StackFile(
            path,
            role="test" if path.resolve() in tested else "training",
            target=targets[place] if targets else None,
        )
        for place, path in enumerate(stacks)
    ]


def _settings(options: dict[str, Any], *, paired: bool) -> PreparationSettings:
    """Return the settings from what was given of them."""
    from pydantic import ValidationError

    from deepz_zoo.records.dataset import TARGETS_CROSS_MODALITY, PreparationSettings

    given = {name: value for name, value in options.items() if value is not None}
    if paired:
        given.setdefault("targets", TARGETS_CROSS_MODALITY)
    try:
        return PreparationSettings(**given)
    except ValidationError as error:
        raise click.UsageError(error.errors()[0]["msg"].removeprefix("Value error, ")) from None


def _steps(settings: PreparationSettings, fiji: str | None) -> Steps:
    """Return what aligns and projects, some of it in an ImageJ that is started for it."""
    from deepz_zoo.preprocess.focus.projection import OWN_STEPS

    if "fiji" not in (settings.align, settings.edf):
        return OWN_STEPS

    from deepz_zoo.fiji.gateway import start_imagej
    from deepz_zoo.fiji.stackreg_and_edf_by_class import preparation_steps

    return preparation_steps(start_imagej(fiji), align=settings.align == "fiji", edf=settings.edf)


@contextmanager
def _progress() -> Iterator[Progress]:
    """Yield a function that shows each kind of step as a bar of its own."""
    with progress_bar() as bar:
        tasks: dict[str, Any] = {}

        def show(what: str, done: int, total: int) -> None:
            if what not in tasks:
                tasks[what] = bar.add_task(what, total=total)
            bar.update(tasks[what], completed=done)

        yield show


# --------------------------------------------------------------------------------- what came out


def _summary(dataset: PreparedDataset) -> dict[str, Any]:
    """Return what the table shows, of JSON's own types."""
    manifest = dataset.manifest
    splits = Counter(region.split for region in dataset.regions)
    return {
        "dataset": str(dataset.path),
        "system": manifest.system.name,
        "target_modality": manifest.target_modality,
        "fields": {
            split: len({r.field_of_view for r in dataset.regions if r.split == split})
            for split in manifest.pair_counts
        },
        "regions": {split: splits[split] for split in manifest.pair_counts},
        "pairs": dict(manifest.pair_counts),
        "left_out": dict(Counter(_kind(r.reason) for r in manifest.rejected)),
        "clipped": sum(region.clipped for region in dataset.regions),
        "rejected_planes": {
            f"field {field.index}": [plane + 1 for plane in field.rejected_planes]
            for field in manifest.fields
            if field.rejected_planes
        },
        "warnings": list(_warnings(dataset)),
    }


def _kind(reason: str) -> str:
    """Return the part of a reason that several regions share."""
    return reason.partition(":")[0]


def _warnings(dataset: PreparedDataset) -> Iterator[str]:
    manifest, step_um = dataset.manifest, dataset.manifest.z_step_um
    if not manifest.pair_counts["training"]:
        yield "there are no pairs for training; give stacks that are not for the test"
    elif not manifest.pair_counts["validation"]:
        yield (
            "there are no pairs for validation: the regions overlap or there is only one; give "
            "more stacks, or a smaller --region"
        )
    reach_um = manifest.parameters.planes_each_side * step_um
    if abs(reach_um - manifest.system.z_range_um) > step_um:
        planes = round(manifest.system.z_range_um / step_um)
        yield (
            f"regions reach {reach_um:g} µm above and below their middle plane, the range of "
            f"{manifest.system.name} is {manifest.system.z_range_um:g} µm (--planes {planes})"
        )


def _print(dataset: PreparedDataset) -> None:
    from rich.table import Table

    summary, out = _summary(dataset), console()
    table = Table(box=None)
    table.add_column(str(dataset.path))
    for split in dataset.manifest.pair_counts:
        table.add_column(split, justify="right")
    for row in ("fields", "regions", "pairs"):
        label = "fields of view" if row == "fields" else row
        table.add_row(label, *(f"{count:,}" for count in summary[row].values()))
    out.print(table)
    for reason, count in summary["left_out"].items():
        click.echo(f"left out: {count} × {reason}")
    for field, planes in summary["rejected_planes"].items():
        click.echo(f"alignment jumped and was not taken: {field}, planes {_ranges(planes)}")
    if summary["clipped"]:
        click.echo(
            f"cut short by the ends of the stack: the planes of {summary['clipped']} regions"
        )
    for warning in summary["warnings"]:
        click.echo(f"Warning: {warning}.", err=True)


def _ranges(numbers: Sequence[int]) -> str:
    """Return ascending numbers with runs shortened, such as 1-4, 9."""
    runs: list[list[int]] = []
    for number in numbers:
        if runs and number == runs[-1][-1] + 1:
            runs[-1].append(number)
        else:
            runs.append([number])
    return ", ".join(f"{run[0]}-{run[-1]}" if len(run) > 1 else f"{run[0]}" for run in runs)
