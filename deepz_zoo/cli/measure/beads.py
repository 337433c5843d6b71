"""``deepz-zoo measure beads``: the widths of fluorescent beads, before and after refocusing."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from deepz_zoo.cli.image_options import mismatch_options, stack_options, tile_option
from deepz_zoo.cli.measure.refocusing import Refocusing
from deepz_zoo.cli.option_names import warn
from deepz_zoo.cli.options import (
    EngineOptions,
    complete_model,
    console,
    engine_options,
    input_channel_option,
    overwrite_option,
    pixel_policy,
    show_progress,
    weights_option,
)
from deepz_zoo.cli.parameters import Integer, Number, PathName
from deepz_zoo.cli.refocus.inputs import normalization_option
from deepz_zoo.cli.refocus.recipe import ONLY, Models
from deepz_zoo.cli.refocus.targets import clip_option, read_surface, surface_options

if TYPE_CHECKING:
    from deepz_zoo.dpm import Surface
    from deepz_zoo.images import Image
    from deepz_zoo.progress import Progress
    from deepz_zoo.records.beads import BeadReport, BeadSettings, BeadTable
    from deepz_zoo.refocus import ImageNormalization

_OUTPUTS = ("beads.csv", "beads.json", "beads.png", "beads.svg")


@click.command("beads")
@click.argument(
    "paths",
    metavar="IMAGE|STACK...",
    nargs=-1,
    required=True,
    type=PathName(path_type=Path),
)
@click.option(
    "-o",
    "--output",
    required=True,
    metavar="FOLDER",
    type=PathName(path_type=Path, file_okay=False),
    help=f"For {', '.join(_OUTPUTS)}.",
)
@click.option(
    "--threshold",
    type=Number(),
    metavar="LEVEL",
    help="Grey level that beads exceed.  [default: a fifth of the intensity scale above the "
    "background]",
)
@click.option(
    "--crop",
    "crop_px",
    type=Integer(8),
    default=30,
    show_default=True,
    metavar="PX",
    help="Side of the square cut around a bead.",
)
@click.option(
    "--min-distance",
    "min_distance_px",
    type=Number(0),
    metavar="PX",
    help="Leave out beads with a nearer neighbor.  [default: three quarters of --crop]",
)
@click.option(
    "--fit-offset", is_flag=True, help="Fit a constant too, which the paper's equations have not."
)
@input_channel_option
@stack_options
@click.option(
    "--refocus",
    "model_name",
    metavar="MODEL",
    type=PathName(),
    shell_complete=complete_model,
    help="Compare with the virtual stack that this model makes of one plane: a name of the zoo, a "
    "checkpoint or a package.",
)
@weights_option
@click.option(
    "--plane",
    type=Integer(min=1),
    metavar="N",
    help="Plane of a stack that is refocused, from 1.  [default: that of the highest standard "
    "deviation]",
)
@surface_options
@clip_option
@mismatch_options
@normalization_option
@tile_option
@engine_options()
@overwrite_option
def command(
    *,
    paths: tuple[Path, ...],
    output: Path,
    threshold: float | None,
    crop_px: int,
    min_distance_px: float | None,
    fit_offset: bool,
    model_name: str | None,
    weights: str | None,
    plane: int | None,
    clip: bool,
    resample: bool,
    ignore_pixel_size: bool,
    normalization: ImageNormalization | None,
    tile_px: int | None,
    engine_options: EngineOptions,
    overwrite: bool,
    **options: Any,
) -> None:
    """Measure the lateral and axial widths of fluorescent beads as the paper does (Eqs. 6 to 9).

    Takes z-stacks of increasing stage z, or single images, which have no axial width. With
    --refocus a stack is compared with the virtual one of its sharpest plane (Fig. 1b,c), and with
    a surface, such as --tilt, an image before and after refocusing (Fig. 4e,f,k,l).

    \b
    deepz-zoo measure beads beads.tif -o beads
    deepz-zoo measure beads beads.tif -o virtual --refocus leica20x_0.8/TxRd
    deepz-zoo measure beads tilted.tif -o flat --refocus leica20x_0.8/TxRd --tilt 1.5
    """  # noqa: D301 - click reads the backspace
    from deepz_zoo.extras import require_plots
    from deepz_zoo.records.beads import BeadSettings

    calibration = {
        name: options.pop(name)
        for name in ("pixel_size_um", "z_step_um", "reverse", "input_channel")
    }
    surface = read_surface(**options)
    mismatch = pixel_policy(resample, ignore_pixel_size)
    refocusing = None
    if model_name is not None or weights is not None:
        models = Models({ONLY: (model_name, weights)}, engine_options, len(paths))
        refocusing = Refocusing(models, mismatch, clip, normalization, tile_px)
    elif surface is not None or plane is not None:
        raise click.UsageError(
            f"{'a surface' if surface is not None else '--plane'} needs --refocus MODEL"
        )
    maps = [Path(options[name]) for name in ("dpm", "height_map") if options[name] is not None]
    _refuse(output, [*paths, *maps], overwrite)
    require_plots("measure beads")
    settings = BeadSettings(
        threshold=threshold,
        crop_px=crop_px,
        min_distance_px=0.75 * crop_px if min_distance_px is None else min_distance_px,
        fit_offset=fit_offset,
    )
    with show_progress() as progress:
        tables = _measure(paths, calibration, settings, refocusing, surface, plane, progress)
        report = _report(tables, settings, refocusing)
        _write(output, report)
    _print(report, output)


def _refuse(folder: Path, inputs: list[Path], overwrite: bool) -> None:
    """Check that the folder and its files may be written."""
    from deepz_zoo.errors import DeepZError
    from deepz_zoo.files import refuse_output

    if not folder.absolute().parent.is_dir():
        raise DeepZError(f"cannot write {folder}: the folder {folder.parent} does not exist")
    if folder.is_dir():
        for name in _OUTPUTS:
            refuse_output(folder / name, overwrite=overwrite, inputs=inputs)


def _measure(
    paths: tuple[Path, ...],
    calibration: dict[str, Any],
    settings: BeadSettings,
    refocusing: Refocusing | None,
    surface: Surface | None,
    plane: int | None,
    progress: Progress,
) -> list[BeadTable]:
    """Return the tables of all files; those without beads are told of."""
    from deepz_zoo.images.stack import read_stack_or_plane
    from deepz_zoo.measure.beads.refusals import refuse_without_beads, without_beads

    tables: list[BeadTable] = []
    empty: list[str] = []
    for path in paths:
        image = read_stack_or_plane(path, **calibration)
        of_file = _measure_file(image, str(path), settings, refocusing, surface, plane, progress)
        tables += of_file
        empty += filter(None, [without_beads(of_file)])
    refuse_without_beads(tables)
    for line in empty:
        warn(line)
    return tables


def _measure_file(
    image: Image,
    file: str,
    settings: BeadSettings,
    refocusing: Refocusing | None,
    surface: Surface | None,
    plane: int | None,
    progress: Progress,
) -> tuple[BeadTable, ...]:
    from deepz_zoo.measure.beads.refocused import compare_stacks, compare_surface, measure_image

    if refocusing is None:
        return measure_image(image, file, settings, progress)
    refocusing.progress = progress
    if surface is not None:
        return compare_surface(
            image, file, refocusing, surface, settings, plane=plane, progress=progress
        )
    system = refocusing.manifest.system
    return compare_stacks(image, file, refocusing, system, settings, plane=plane, progress=progress)


def _report(
    tables: list[BeadTable], settings: BeadSettings, refocusing: Refocusing | None
) -> BeadReport:
    from deepz_zoo import __version__
    from deepz_zoo.records.beads import BeadReport

    return BeadReport(
        code_version=__version__,
        settings=settings,
        model=refocusing.manifest.name if refocusing else None,
        weights=refocusing.manifest.sha256 if refocusing else None,
        tables=tuple(tables),
    )


def _write(folder: Path, report: BeadReport) -> None:
    """Write all outputs, or none."""
    from deepz_zoo.cards.plots import save_figure
    from deepz_zoo.files import undone_if_failed, write_record
    from deepz_zoo.measure.beads.plot import plot_widths
    from deepz_zoo.measure.beads.table import write_table

    table, record, *plots = (folder / name for name in _OUTPUTS)
    with undone_if_failed([table, record, *plots]):
        folder.mkdir(exist_ok=True)
        write_table(table, report)
        write_record(record, report)
        figure = plot_widths(report)
        for path in plots:
            save_figure(figure, path)


def _print(report: BeadReport, folder: Path) -> None:
    """Print the medians with what they depend on, and why beads were left out."""
    from rich.table import Table

    from deepz_zoo.measure.beads.labels import describe, thresholds
    from deepz_zoo.records.beads import WIDTHS, BeadStatistics

    shown = Table("", "FWHM", "median µm", "quartiles µm", "beads", "clipped", "threshold")
    left_out: dict[str, int] = {}
    for image, found_in in report.images:
        tables = report.tables_of(image, found_in)
        for width in WIDTHS:
            found = BeadStatistics.of(tables, width)
            if found.median_um is not None:
                shown.add_row(
                    describe(image, found_in),
                    width,
                    f"{found.median_um:.3f}",
                    f"{found.q25_um:.3f} to {found.q75_um:.3f}",
                    str(found.beads),
                    str(found.clipped),
                    thresholds(tables),
                )
        for table in tables:
            for reason, count in table.left_out.items():
                place = f"{describe(image, found_in)}: {reason}"
                left_out[place] = left_out.get(place, 0) + count
    console().print(shown)
    _print_ratios(report)
    for place, count in left_out.items():
        click.echo(f"left out of {place}: {count}")
    click.echo(f"{folder}: {', '.join(_OUTPUTS)}")


def _print_ratios(report: BeadReport) -> None:
    """Print how much wider beads are than the same ones in the image in which they were found."""
    import numpy as np

    from deepz_zoo.measure.beads.labels import count_of_beads, thresholds
    from deepz_zoo.measure.beads.ratios import width_ratios
    from deepz_zoo.records.beads import WIDTHS

    for image, found_in in report.images:
        for width in WIDTHS:
            if found_in and (ratios := width_ratios(report, image, found_in, width)):
                q25, median, q75 = np.percentile(ratios, (25, 50, 75))
                click.echo(
                    f"{width} FWHM, {image} / {found_in}, bead by bead: median {median:.3f} "
                    f"({q25:.3f} to {q75:.3f}), {count_of_beads(len(ratios))}, threshold "
                    f"{thresholds(report.tables_of(image, found_in))}"
                )
