"""``deepz-zoo refocus``: an image onto other planes, or onto a surface."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import click

from deepz_zoo.cli.options import (
    model_options,
    overwrite_option,
    pixel_policy,
    progress_bar,
    weights_option,
)
from deepz_zoo.errors import DeepZError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    import numpy as np
    from numpy.typing import NDArray

    from deepz_zoo.records.manifest import Manifest
    from deepz_zoo.refocus import RefocusPlan
    from deepz_zoo.refocus.plan import SurfaceBuilder

AxisName = Literal["x", "y"]

_TARGETS = {
    "z": "--z",
    "dpm": "--dpm",
    "tilt": "--tilt",
    "cylinder": "--cylinder",
    "sinusoid": "--sinusoid",
    "height_map": "--height-map",
}


def _target_options(function: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options that say what to refocus onto; exactly one of `_TARGETS` is given."""
    axis = click.Choice(["x", "y"])
    for decorate in (
        click.option("--z", metavar="UM", help="Distance, list -5,0,5 or range -10:10:0.5, in µm."),
        click.option("--dpm", metavar="FILE", help="Image of distances in µm (32-bit float)."),
        click.option("--tilt", metavar="DEG", type=float, help="Plane tilted around --tilt-axis."),
        click.option("--cylinder", metavar="UM", type=float, help="Tube of this diameter in µm."),
        click.option(
            "--sinusoid",
            metavar="PX:ZMIN:ZMAX",
            help="Wave of this period in pixels, between two distances in µm.",
        ),
        click.option("--height-map", metavar="FILE", help="Image of heights as grey levels."),
        click.option(
            "--um-per-level", type=float, metavar="UM", help="Height of one level of --height-map."
        ),
        click.option(
            "--tilt-axis",
            "--cylinder-axis",
            "surface_axis",
            type=axis,
            default="y",
            show_default=True,
            help="Axis along which the tilted plane or the tube does not change.",
        ),
        click.option(
            "--sinusoid-axis",
            type=axis,
            default="x",
            show_default=True,
            help="Axis along which the wave oscillates.",
        ),
        click.option(
            "--offset",
            "offset_um",
            type=float,
            metavar="UM",
            help="Distance at the center of --tilt, the apex of --cylinder, level 0 of a map.",
        ),
        click.option("--clip", is_flag=True, help="Clip distances outside the trained range."),
    )[::-1]:
        function = decorate(function)
    return function


def _input_options(function: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options that say how to understand the image."""
    for decorate in (
        click.option(
            "--axes", metavar="tyx", help="Name the file's axes, where it does not or is wrong."
        ),
        click.option("--input-channel", metavar="NAME", help="Channel by name, or number from 1."),
        click.option("--plane", type=int, metavar="N", help="Plane of a z-stack, from 1."),
        click.option(
            "--pixel-size",
            "pixel_size_um",
            type=float,
            metavar="UM",
            help="Pixel size of the image, where it does not say or is wrong.",
        ),
        click.option(
            "--resample",
            is_flag=True,
            help="Work at the model's pixel size; the result has the image's again.",
        ),
        click.option(
            "--ignore-pixel-size", is_flag=True, help="Go on although the pixel sizes differ."
        ),
    )[::-1]:
        function = decorate(function)
    return function


@click.command("refocus")
@click.argument("image", metavar="IMAGE")
@click.option("-o", "--output", required=True, metavar="OUT.tif", help="The file to write.")
@model_options(argument=False)
@weights_option
@_target_options
@_input_options
@click.option(
    "--format",
    "style",
    type=click.Choice(["ome", "imagej"]),
    default="ome",
    show_default=True,
    help="OME-TIFF, or the TIFF of ImageJ and Fiji.",
)
@click.option("--keep-type", is_flag=True, help="Round to the image's type instead of float32.")
@click.option(
    "--like-plugin",
    "plugin",
    is_flag=True,
    help="Normalize and scale as the authors' Fiji plugin; for 8- and 16-bit images.",
)
@click.option(
    "--imagej-1.52",
    "imagej_1_52",
    is_flag=True,
    help="With --like-plugin: round to 8 bits as ImageJ did up to 1.52.",
)
@click.option(
    "--tile",
    "tile_px",
    type=click.IntRange(min=16),
    default=1024,
    show_default=True,
    metavar="PX",
    help="Refocus larger images in tiles of this side; smaller ones take less memory.",
)
@click.option("--device", default="auto", show_default=True, help="auto, cpu, cuda or cuda:N.")
@overwrite_option
def command(
    *,
    image: str,
    output: str,
    model_name: str | None,
    weights: str | None,
    axes: str | None,
    input_channel: str | None,
    plane: int | None,
    pixel_size_um: float | None,
    resample: bool,
    ignore_pixel_size: bool,
    clip: bool,
    style: Literal["ome", "imagej"],
    keep_type: bool,
    plugin: bool,
    imagej_1_52: bool,
    tile_px: int,
    device: str,
    overwrite: bool,
    **target_options: Any,
) -> None:
    """Refocus IMAGE onto planes (--z) or onto a surface, and write a calibrated TIFF.

    IMAGE is a TIFF, OME-TIFF or PNG file: one image, a time series, or several channels of which
    one is chosen. Distances are measured from the plane of the image, in µm of stage z; a positive
    one is the direction of increasing stage z.

    \b
    deepz-zoo refocus worm.tif -o stack.tif --objective leica20x_0.8 --channel TxRd --z -10:10:0.5
    deepz-zoo refocus beads.tif -o flat.tif --objective leica20x_0.8/TxRd --tilt 1.5 --tilt-axis y
    """  # noqa: D301 - click reads the backspace
    _check_output(output, inputs=(image, target_options["dpm"], target_options["height_map"]))
    if Path(output).exists() and not overwrite:
        raise DeepZError(f"{output} exists; choose another name or use --overwrite")
    target = _target(**target_options)
    mismatch = pixel_policy(resample, ignore_pixel_size)
    if plugin and resample:
        raise click.UsageError("--like-plugin does not go with --resample; the plugin has no such")
    if imagej_1_52 and not plugin:
        raise click.UsageError("--imagej-1.52 belongs to --like-plugin")

    import numpy as np

    from deepz_zoo.cli.models import load_named_model
    from deepz_zoo.images import Calibration, read_image, write_planes
    from deepz_zoo.images.select import select_frames
    from deepz_zoo.refocus import like_plugin, plan_refocus

    frames = select_frames(read_image(image, axes=axes), input_channel=input_channel, plane=plane)
    model, manifest = load_named_model(model_name, weights)
    if plugin:
        model = like_plugin(model, frames.data, imagej_1_52=imagej_1_52)
    plan = plan_refocus(
        frames,
        manifest.system,
        target,
        pixel_size_um=pixel_size_um,
        mismatch=mismatch,
        clip=clip,
        limits=manifest.limits,
    )
    for line in plan.warnings:
        click.echo(f"Warning: {line}.", err=True)
    planes = plan.run(model.to(_device(device)), tile_px=tile_px)
    dtype = frames.data.dtype if keep_type or plugin else np.dtype(np.float32)
    write_planes(
        output,
        _with_progress(plan, planes, dtype),
        shape=plan.shape,
        axes=plan.axes,
        dtype=dtype,
        calibration=Calibration(
            plan.pixel_size_um, plan.z_um, frames.channel_names, frames.frame_interval_s
        ),
        style=style,
        description=_description(image, manifest, target_options),
    )
    click.echo(f"{output}: {_summary(plan)}")


def _check_output(output: str, inputs: Sequence[str | None]) -> None:
    """Refuse a name of another format, and one of the inputs, before any work is done."""
    path = Path(output)
    if path.suffix.lower() not in (".tif", ".tiff"):
        raise DeepZError(f"{output}: expected a name that ends in .tif or .tiff")
    if any(name and Path(name).resolve() == path.resolve() for name in inputs):
        raise DeepZError(f"{output} is an input too; choose another name for the output")


def _target(
    *,
    um_per_level: float | None,
    surface_axis: AxisName,
    sinusoid_axis: AxisName,
    offset_um: float | None,
    **targets: Any,
) -> Sequence[float] | SurfaceBuilder:
    """Return distances, or a function that makes a DPM for the image."""
    given = [name for name in _TARGETS if targets[name] is not None]
    if len(given) != 1:
        found = " and ".join(_TARGETS[name] for name in given) or "none of them"
        raise click.UsageError(f"give exactly one of {', '.join(_TARGETS.values())}; found {found}")
    kind, value = given[0], targets[given[0]]
    if um_per_level is not None and kind != "height_map":
        raise click.UsageError("--um-per-level belongs to --height-map")
    if offset_um is not None and kind in ("z", "sinusoid"):
        raise click.UsageError(f"--offset does not go with {_TARGETS[kind]}; add it to its values")

    from deepz_zoo import dpm
    from deepz_zoo.refocus import parse_depths

    offset_um = offset_um or 0.0
    if kind == "z":
        return parse_depths(value)
    if kind == "sinusoid":
        period_px, *ends_um = _three_numbers(value)
        return lambda shape, _: dpm.sinusoid(shape, period_px, *ends_um, axis=sinusoid_axis)
    if kind in ("dpm", "height_map"):
        return lambda shape, _: dpm.height_map(
            value, shape, um_per_grey_level=um_per_level, offset_um=offset_um
        )
    build = dpm.tilt if kind == "tilt" else dpm.cylinder
    return lambda shape, pixel_um: build(
        shape, value, axis=surface_axis, pixel_size_um=pixel_um, offset_um=offset_um
    )


def _three_numbers(text: str) -> list[float]:
    try:
        numbers = [float(part) for part in text.split(":")]
    except ValueError:
        numbers = []
    if len(numbers) != 3:
        raise click.UsageError(f"--sinusoid {text}: expected PX:ZMIN:ZMAX, such as 128:-9:-1")
    return numbers


def _device(name: str) -> str:
    import torch

    if name == "auto":
        return "cuda" if torch.cuda.is_available() else "cpu"
    try:
        torch.zeros(1, device=name)
    except (RuntimeError, AssertionError) as error:
        reason = str(error).splitlines()[0]
        raise DeepZError(f"--device {name} cannot be used ({reason}); try cpu") from error
    return name


def _with_progress(
    plan: RefocusPlan, planes: Iterator[NDArray[Any]], dtype: np.dtype[Any]
) -> Iterator[NDArray[Any]]:
    """Yield the planes in the type of the output, and count them on a terminal."""
    from math import prod

    from deepz_zoo.refocus.planes import rounded

    with progress_bar() as bar:
        task = bar.add_task("Refocusing", total=prod(plan.shape[:-2]))
        for plane in planes:
            yield rounded(plane, dtype)
            bar.advance(task)


def _description(image: str, manifest: Manifest, target_options: dict[str, Any]) -> str:
    """Return what the file says of its origin."""
    from deepz_zoo import __version__

    options = (f"--{name.replace('_', '-')} {target_options[name]}" for name in _TARGETS)
    chosen = [text for text in options if not text.endswith(" None")]
    return (
        f"{Path(image).name} refocused by Deep-Z with {manifest.name} ({' '.join(chosen)}), "
        f"deepz-zoo {__version__}, weights {manifest.sha256[:12]}. {manifest.provenance}"
    )


def _summary(plan: RefocusPlan) -> str:
    """Return one line on what was written."""
    *leading, ny, nx = plan.shape
    counts = zip(plan.axes, leading, strict=False)
    what = [f"{count} {'frames' if axis == 't' else 'planes'}" for axis, count in counts]
    if plan.z_um is None:
        where = "onto the surface"
    else:
        where = f"z = {plan.z_um[0]:+g}"
        where += f" to {plan.z_um[-1]:+g} µm" if len(plan.z_um) > 1 else " µm"
    return f"{', '.join([*what, f'{nx} × {ny} px'])}, {where}"
