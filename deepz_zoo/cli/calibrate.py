"""``deepz-zoo calibrate``: the optics of one's own microscope, from images of beads."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Literal

import click

from deepz_zoo.cli.image_options import stack_options
from deepz_zoo.cli.option_names import warn
from deepz_zoo.cli.options import (
    console,
    input_channel_option,
    model_options,
    overwrite_option,
    show_progress,
)
from deepz_zoo.cli.parameters import Number, PathName

if TYPE_CHECKING:
    from deepz_zoo.calibrate.run import Calibration
    from deepz_zoo.dpm import Surface
    from deepz_zoo.images import Image
    from deepz_zoo.optics import ImagingSystem


@click.command("calibrate")
@click.argument(
    "paths", metavar="BEADS.tif...", nargs=-1, required=True, type=PathName(path_type=Path)
)
@model_options(argument=False)
@click.option(
    "--output",
    "-o",
    required=True,
    metavar="microscope.json",
    type=PathName(dir_okay=False, path_type=Path),
    help="The file to write, for --instrument of 'train', 'simulate' and 'evaluate simulated'.",
)
@click.option(
    "--report",
    metavar="FILE.png",
    type=PathName(dir_okay=False, path_type=Path),
    help="Draw the beads as measured and as modeled, what is left, and the pupil.",
)
@click.option(
    "--tilt",
    metavar="DEG",
    type=Number(),
    help="The files are single images of a slide tilted around --tilt-axis, not z-stacks.",
)
@click.option(
    "--tilt-axis",
    "tilt_axis",
    type=click.Choice(["x", "y"]),
    default="y",
    show_default=True,
    help="Axis along which the tilted slide does not change.",
)
@click.option(
    "--dpm",
    metavar="FILE",
    type=PathName(),
    help="The files are single images of beads at these distances in µm (32-bit float).",
)
@input_channel_option
@stack_options
@click.option(
    "--bead-diameter",
    "bead_diameter_um",
    type=Number(0, 5),
    metavar="UM",
    default=0.0,
    help="Diameter of the beads; without it, their size counts as blur.",
)
@overwrite_option
def command(
    *,
    paths: tuple[Path, ...],
    model_name: str,
    output: Path,
    report: Path | None,
    tilt: float | None,
    tilt_axis: Literal["x", "y"],
    dpm: str | None,
    input_channel: str | None,
    pixel_size_um: float | None,
    z_step_um: float | None,
    reverse: bool,
    bead_diameter_um: float,
    overwrite: bool,
) -> None:
    """Measure the optics of your microscope by sub-resolution beads.

    Takes z-stacks of beads, acquired with increasing stage z; or with --tilt or --dpm a single
    image of beads on a tilted or curved slide, which shows them at many distances from focus.
    Spherical aberration, numerical aperture, astigmatism, coma, blur and the gradient of the light
    over the pupil are fitted to all beads at once.
    """
    from deepz_zoo.calibrate.run import calibrate_stacks, calibrate_surface
    from deepz_zoo.extras import require_plots
    from deepz_zoo.files import refuse_output, write_record
    from deepz_zoo.images.stack import read_plane, read_stack

    if output == report:
        raise click.UsageError("--output and --report name the same file")
    for path in filter(None, (output, report)):
        refuse_output(path, overwrite=overwrite, inputs=(*paths, *filter(None, [dpm])))
    if report is not None:
        require_plots("--report")
    system = _system_of_model(model_name)
    surface = _surface(tilt, tilt_axis, dpm)
    images: list[tuple[Path, Image]]
    with show_progress() as progress:
        if surface is None:
            images = [
                (
                    path,
                    read_stack(
                        path,
                        pixel_size_um=pixel_size_um,
                        z_step_um=z_step_um,
                        reverse=reverse,
                        input_channel=input_channel,
                    ),
                )
                for path in paths
            ]
            found = calibrate_stacks(
                system, images, bead_diameter_um=bead_diameter_um, progress=progress
            )
        else:
            images = [
                (path, read_plane(path, pixel_size_um=pixel_size_um, input_channel=input_channel))
                for path in paths
            ]
            found = calibrate_surface(
                system, images, surface, bead_diameter_um=bead_diameter_um, progress=progress
            )
    write_record(output, found.microscope)
    if report is not None:
        from deepz_zoo.calibrate.report import plot_calibration
        from deepz_zoo.cards.plots import save_figure

        save_figure(plot_calibration(found), report)
    _print(found, output)


def _system_of_model(name: str) -> ImagingSystem:
    """Return the system with the ranges that the zoo's model was trained on, where there is one."""
    from deepz_zoo.optics import get_system
    from deepz_zoo.zoo.store import list_models

    system = get_system(name)
    return next((m.system for m in list_models() if m.name == system.name), system)


def _surface(tilt: float | None, tilt_axis: Literal["x", "y"], dpm: str | None) -> Surface | None:
    """Return the surface of the beads, or None for stacks."""
    from deepz_zoo.dpm import HeightMap, Tilt

    if tilt is not None and dpm is not None:
        raise click.UsageError("--tilt and --dpm exclude each other")
    if tilt is not None:
        return Tilt(tilt, tilt_axis)
    return None if dpm is None else HeightMap(dpm)


def _print(calibration: Calibration, output: Path) -> None:
    """Print the table, and what to do with the file."""
    from rich.table import Table

    from deepz_zoo.calibrate.rows import rows
    from deepz_zoo.calibrate.verdict import outside_of_ranges

    microscope = calibration.microscope
    table = Table("", "measured", "standard error", "range of the zoo's model")
    for row in rows(calibration):
        table.add_row(row.name, row.value, row.error, row.range)
    console().print(table)
    click.echo(
        f"{microscope.beads} beads, correlation with the model of them {microscope.correlation:.3f}"
    )
    for name in microscope.undetermined:
        warn(f"{name.replace('_', ' ')}: the images do not determine it; its usual value is kept")
    outside = outside_of_ranges(microscope, calibration.model)
    name, adapt = microscope.name, f"--from {microscope.name} --instrument {output} -o runs/mine"
    if outside:
        for line in outside:
            warn(f"outside of the ranges of {name}: {line}")
        click.echo(f"adapt the model before you trust it: deepz-zoo train {name} {adapt}")
    else:
        click.echo(
            f"the instrument lies within the ranges of {name}; for a sharper model of this one "
            f"alone: deepz-zoo train {name} {adapt}"
        )
    click.echo(f"{output}: the microscope, for --instrument")
