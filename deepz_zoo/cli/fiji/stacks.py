"""``deepz-zoo fiji align``, ``edf`` and ``compare``: a stack through ImageJ's own plugins."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from deepz_zoo.cli.fiji.options import imagej_option, window_option
from deepz_zoo.cli.options import (
    console,
    json_option,
    overwrite_option,
    print_json,
    show_progress,
)
from deepz_zoo.cli.parameters import Integer, PathName
from deepz_zoo.errors import DeepZError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from deepz_zoo.fiji.comparison import Comparison
    from deepz_zoo.images import Image, Style

_FILE = PathName(path_type=Path)


def _stack_options(function: Callable[..., Any]) -> Callable[..., Any]:
    """Add the stack and how to read it and to start ImageJ."""
    for decorate in (
        click.argument("stack", type=_FILE),
        click.option("--axes", metavar="zyx", help="Name the file's axes, where it does not."),
        imagej_option,
        window_option,
    )[::-1]:
        function = decorate(function)
    return function


def _output_options(function: Callable[..., Any]) -> Callable[..., Any]:
    for decorate in (
        click.option("-o", "--output", type=_FILE, required=True, help="The TIFF to write."),
        click.option(
            "--format",
            "style",
            type=click.Choice(["ome", "imagej"]),
            default="ome",
            show_default=True,
            help="OME-TIFF, or the TIFF of ImageJ and Fiji.",
        ),
        overwrite_option,
    )[::-1]:
        function = decorate(function)
    return function


@click.command("align")
@_stack_options
@_output_options
@click.option(
    "--anchor",
    type=Integer(1),
    metavar="PLANE",
    help="The plane that stays, from 1.  [default: the middle one]",
)
@click.option(
    "--transformation",
    default="Rigid Body",
    show_default=True,
    type=click.Choice(["Translation", "Rigid Body", "Scaled Rotation", "Affine"]),
    help="What StackReg may do to a plane.",
)
def align(
    *,
    stack: Path,
    output: Path,
    anchor: int | None,
    transformation: str,
    axes: str | None,
    style: Style,
    overwrite: bool,
    fiji: str | None,
    window: bool,
) -> None:
    """Align the planes of STACK with ImageJ's plugin StackReg."""
    from deepz_zoo.files import refuse_output

    refuse_output(output, overwrite=overwrite, inputs=[stack])
    image = _read(stack, axes)

    from deepz_zoo.fiji.gateway import start_imagej
    from deepz_zoo.fiji.stackreg_and_edf_by_class import align_with_stackreg
    from deepz_zoo.images import write_image

    with show_progress() as progress:
        progress("aligning")
        imagej = start_imagej(fiji, window=window)
        aligned = align_with_stackreg(
            imagej,
            image.data,
            anchor=None if anchor is None else anchor - 1,
            transformation=transformation,
        )
    write_image(output, replace(image, data=aligned), style=style)
    click.echo(str(output))


@click.command("edf")
@_stack_options
@_output_options
@click.option(
    "--quality",
    type=Integer(0, 4),
    default=4,
    show_default=True,
    help="0 Sobel, 1 variance, 2 and 3 real wavelets, 4 complex wavelets (the paper's).",
)
@click.option(
    "--topology",
    type=Integer(0, 4),
    default=0,
    show_default=True,
    help="How much the height map is smoothed.",
)
@click.option(
    "--set",
    "settings",
    multiple=True,
    metavar="NAME=VALUE",
    help="Any other setting, by its name in the plugin's edfgui.Parameters (repeat).",
)
@click.option(
    "--height", type=_FILE, metavar="FILE", help="Write the plane of each pixel too, from 1."
)
def edf(
    *,
    stack: Path,
    output: Path,
    quality: int,
    topology: int,
    settings: tuple[str, ...],
    height: Path | None,
    axes: str | None,
    style: Style,
    overwrite: bool,
    fiji: str | None,
    window: bool,
) -> None:
    """Fuse the planes of STACK with ImageJ's plugin Extended Depth of Field."""
    from deepz_zoo.files import refuse_output

    if height is not None and height.resolve() == output.resolve():
        raise click.UsageError("--output and --height name the same file")
    for path in (output, height):
        if path is not None:
            refuse_output(path, overwrite=overwrite, inputs=[stack])
    chosen = _settings(settings)
    image = _read(stack, axes)

    from deepz_zoo.fiji.gateway import start_imagej
    from deepz_zoo.fiji.stackreg_and_edf_by_class import project_with_edf
    from deepz_zoo.images import write_image

    with show_progress() as progress:
        progress("projecting")
        imagej = start_imagej(fiji, window=window)
        projection = project_with_edf(
            imagej, image.data, quality=quality, topology=topology, settings=chosen
        )
    for path, data in ((output, projection.image), (height, projection.height + 1)):
        if path is not None:
            data = data.astype("uint16") if path == height else data
            write_image(path, _without_planes(image, data), style=style)
            click.echo(str(path))


@click.command("compare")
@_stack_options
@json_option
def compare(stack: Path, axes: str | None, fiji: str | None, window: bool, as_json: bool) -> None:
    """Compare the alignment and EDF of ImageJ's plugins with those of deepz-zoo.

    The EDF images are both made of the stack as deepz-zoo aligned it.
    """
    image = _read(stack, axes)

    from deepz_zoo.fiji.comparison import compare_preparations
    from deepz_zoo.fiji.gateway import start_imagej

    with show_progress() as progress:
        progress("starting ImageJ")
        imagej = start_imagej(fiji, window=window)
        result = compare_preparations(imagej, image.data, progress=progress)
    if as_json:
        print_json(asdict(result))
    else:
        _print(result)


# the former name of 'compare'
parity = click.Command("parity", callback=compare.callback, params=compare.params, hidden=True)


def _print(result: Comparison) -> None:
    from rich.table import Table

    table = Table(box=None)
    for title in ("", "largest", "mean", "pixels that differ"):
        table.add_column(title, justify="left" if not title else "right")
    for name, difference in (
        ("aligned stack", result.aligned),
        ("EDF image", result.edf),
        ("EDF image, plugin-exact", result.edf_plugin_exact),
    ):
        table.add_row(
            name, f"{difference.largest:g}", f"{difference.mean:.3g}", f"{difference.fraction:.2%}"
        )
    console().print(table)
    if result.edf.fraction > result.edf_plugin_exact.fraction:
        click.echo(
            "the plugin exchanges rows and columns in its consistency checks, which matters where "
            "the padded image is not square; 'prepare --edf plugin-exact' does so, too"
        )
    click.echo(f"planes moved differently by up to {result.largest_shift_px:.2f} px")
    if result.rejected_planes:
        planes = ", ".join(str(plane + 1) for plane in result.rejected_planes)
        click.echo(f"planes whose registration deepz-zoo rejected, unlike StackReg: {planes}")


# ------------------------------------------------------------------------------ reading, checking


def _read(path: Path, axes: str | None) -> Image:
    """Read a stack of planes along any one axis."""
    from deepz_zoo.images import read_image

    image = read_image(path, axes=axes)
    if image.data.ndim != 3:
        size = "×".join(map(str, image.data.shape))
        raise DeepZError(
            f"{path} has the axes {image.axes} ({size}); expected a stack of planes, one axis "
            "before y and x"
        )
    return image


def _without_planes(image: Image, data: NDArray[Any]) -> Image:
    """Return what became of a stack of planes, with the stack's calibration and optics."""
    if "c" in image.axes:
        image = replace(image, channel_names=(), emission_um=())
    return replace(
        image, data=data, axes="yx", z_step_um=None, z_origin_um=0.0, frame_interval_s=None
    )


def _settings(words: tuple[str, ...]) -> dict[str, bool | int | float | str]:
    settings: dict[str, bool | int | float | str] = {}
    for word in words:
        name, equals, text = word.partition("=")
        if not equals:
            raise click.UsageError(f"--set {word}: expected NAME=VALUE")
        settings[name] = _value(text)
    return settings


def _value(text: str) -> bool | int | float | str:
    """Return the boolean, the number or the text that a user wrote."""
    if text.lower() in ("true", "false"):
        return text.lower() == "true"
    for kind in (int, float):
        try:
            return kind(text)
        except ValueError:
            pass
    return text
