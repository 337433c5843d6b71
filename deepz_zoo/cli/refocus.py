"""``deepz-zoo refocus``: an image onto other planes, or onto a surface."""

from __future__ import annotations

from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import click

from deepz_zoo.cli.option_names import warn
from deepz_zoo.cli.options import (
    EngineOptions,
    engine_options,
    input_channel_option,
    model_and_file_arguments,
    model_options,
    overwrite_option,
    pixel_policy,
    show_progress,
    weights_option,
)
from deepz_zoo.cli.parameters import Integer, Number, PathName

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from deepz_zoo.dpm import Surface
    from deepz_zoo.engines.choice import Choice
    from deepz_zoo.records.manifest import Manifest
    from deepz_zoo.refocus import ImageNormalization, RefocusPlan

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
        click.option(
            "--dpm",
            metavar="FILE",
            type=PathName(),
            help="Image of distances in µm (32-bit float).",
        ),
        click.option(
            "--tilt", metavar="DEG", type=Number(), help="Plane tilted around --tilt-axis."
        ),
        click.option(
            "--cylinder", metavar="UM", type=Number(), help="Tube of this diameter in µm."
        ),
        click.option(
            "--sinusoid",
            metavar="PX:ZMIN:ZMAX",
            help="Wave of this period in pixels, between two distances in µm.",
        ),
        click.option(
            "--height-map",
            metavar="FILE",
            type=PathName(),
            help="Image of heights as grey levels.",
        ),
        click.option(
            "--um-per-level",
            "um_per_grey_level",
            type=Number(),
            metavar="UM",
            help="Height of one level of --height-map.",
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
            type=Number(),
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
        input_channel_option,
        click.option(
            "--plane", type=Integer(min=1), metavar="N", help="Plane of a z-stack, from 1."
        ),
        click.option(
            "--pixel-size",
            "pixel_size_um",
            type=Number(),
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


def _normalization_option(function: Callable[..., Any]) -> Callable[..., Any]:
    """Add ``--normalization``, and its old spellings ``--like-plugin`` and ``--imagej-1.52``."""

    @wraps(function)
    def with_normalization(
        *, normalization: str | None, like_plugin: bool, imagej_1_52: bool, **kwargs: Any
    ) -> Any:
        if imagej_1_52 and not like_plugin:
            raise click.UsageError("--imagej-1.52 belongs to --like-plugin")
        if like_plugin:
            if normalization is not None:
                raise click.UsageError("--like-plugin and --normalization exclude each other")
            normalization = "plugin-imagej-1.52" if imagej_1_52 else "plugin"
        return function(normalization=normalization, **kwargs)

    command: Any = click.option(
        "--normalization",
        type=click.Choice(["paper", "plugin", "plugin-imagej-1.52"]),
        help="The paper's, or the pixel values of the authors' Fiji plugin, for 8- and 16-bit "
        "images; as ImageJ up to 1.52 rounded them.  [default: the model's own]",
    )(with_normalization)
    command = click.option("--like-plugin", is_flag=True, hidden=True)(command)
    command = click.option("--imagej-1.52", "imagej_1_52", is_flag=True, hidden=True)(command)
    return command  # type: ignore[no-any-return]


@click.command("refocus")
@model_and_file_arguments("image", "IMAGE")
@click.option(
    "-o",
    "--output",
    required=True,
    metavar="OUT.tif",
    type=PathName(),
    help="The file to write.",
)
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
@_normalization_option
@click.option(
    "--tile",
    "tile_px",
    type=Integer(min=16),
    show_default="1024, more where the memory of a GPU allows",
    metavar="PX",
    help="Refocus larger images in tiles of this side; smaller ones take less memory.",
)
@engine_options()
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
    normalization: ImageNormalization | None,
    tile_px: int | None,
    engine_options: EngineOptions,
    overwrite: bool,
    **target_options: Any,
) -> None:
    """Refocus IMAGE onto planes (--z) or onto a surface, and write a calibrated TIFF.

    IMAGE is a TIFF, OME-TIFF or PNG file: one image, a time series, or several channels of which
    one is chosen. Distances are measured from the plane of the image, in µm of stage z; a positive
    one is the direction of increasing stage z.

    \b
    deepz-zoo refocus leica20x_0.8/TxRd worm.tif -o stack.tif --z -10:10:0.5
    deepz-zoo refocus leica20x_0.8/TxRd beads.tif -o flat.tif --tilt 1.5 --tilt-axis y
    """  # noqa: D301 - click reads the backspace
    target = _target(**target_options)
    mismatch = pixel_policy(resample, ignore_pixel_size)
    like_plugin = normalization not in (None, "paper")
    if like_plugin and resample:
        raise click.UsageError(f"--normalization {normalization} and --resample exclude each other")

    from deepz_zoo.engines.with_engine import run_as_chosen
    from deepz_zoo.images import read_image
    from deepz_zoo.images.select import select_frames
    from deepz_zoo.models import load_model
    from deepz_zoo.refocus import (
        plan_refocus,
        refuse_refocused,
        with_normalization,
        write_refocused,
    )

    maps = (target_options["dpm"], target_options["height_map"])
    inputs = [name for name in (image, *maps) if name is not None]
    refuse_refocused(output, inputs=inputs, overwrite=overwrite)
    frames = select_frames(read_image(image, axes=axes), input_channel=input_channel, plane=plane)
    model, manifest = load_model(model_name, weights=weights)
    if normalization is not None:
        model = with_normalization(model, normalization, frames.data)
    plan = plan_refocus(
        frames, manifest, target, pixel_size_um=pixel_size_um, mismatch=mismatch, clip=clip
    )
    for line in plan.warnings:
        warn(f"{line}.")
    engine = engine_options.choose(model, manifest, pixels=plan.pixels)
    with show_progress() as progress:
        write_refocused(
            output,
            plan,
            run_as_chosen(model, engine),
            dtype=frames.data.dtype if keep_type or like_plugin else "float32",
            style=style,
            description=_description(image, plan, manifest, target_options, engine),
            tile_px=tile_px,
            progress=progress,
        )
    click.echo(f"{output}: {plan}")


def _target(
    *,
    um_per_grey_level: float | None,
    surface_axis: AxisName,
    sinusoid_axis: AxisName,
    offset_um: float | None,
    **targets: Any,
) -> Sequence[float] | Surface:
    """Return the distances or the surface that the options ask for."""
    given = [name for name in _TARGETS if targets[name] is not None]
    if len(given) != 1:
        found = " and ".join(_TARGETS[name] for name in given) or "none of them"
        raise click.UsageError(f"give exactly one of {', '.join(_TARGETS.values())}; found {found}")
    kind, value = given[0], targets[given[0]]
    if um_per_grey_level is not None and kind != "height_map":
        raise click.UsageError("--um-per-level belongs to --height-map")
    if offset_um is not None and kind in ("z", "sinusoid"):
        raise click.UsageError(f"--offset does not go with {_TARGETS[kind]}; add it to its values")

    from deepz_zoo import dpm
    from deepz_zoo.refocus.depths import parse_depths

    offset_um = offset_um or 0.0
    if kind == "z":
        return parse_depths(value)
    if kind == "sinusoid":
        return dpm.Sinusoid(*_three_numbers(value), axis=sinusoid_axis)
    if kind in ("dpm", "height_map"):
        return dpm.HeightMap(value, um_per_grey_level, offset_um)
    surface = dpm.Tilt if kind == "tilt" else dpm.Cylinder
    return surface(value, surface_axis, offset_um)


def _three_numbers(text: str) -> tuple[float, float, float]:
    try:
        period_px, z_min_um, z_max_um = (float(part) for part in text.split(":"))
    except ValueError:
        raise click.UsageError(
            f"--sinusoid {text}: expected PX:ZMIN:ZMAX, such as 128:-9:-1"
        ) from None
    return period_px, z_min_um, z_max_um


def _description(
    image: str,
    plan: RefocusPlan,
    manifest: Manifest,
    target_options: dict[str, Any],
    engine: Choice,
) -> str:
    """Return what the file says of its origin."""
    from deepz_zoo import __version__

    options = (f"{option} {target_options[name]}" for name, option in _TARGETS.items())
    chosen = [text for text in options if not text.endswith(" None")]
    return (
        f"{Path(image).name} refocused by Deep-Z with {manifest.name} ({' '.join(chosen)}): "
        f"{plan}; deepz-zoo {__version__}, {engine}, weights {manifest.sha256[:12]}. "
        f"{manifest.provenance}"
    )
