"""What to refocus onto: planes, or one of the surfaces."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, Literal

import click

from deepz_zoo.cli.parameters import Number, PathName

if TYPE_CHECKING:
    from deepz_zoo.dpm import Surface
    from deepz_zoo.refocus.track import Track

AxisName = Literal["x", "y"]

TARGETS = {
    "z": "--z",
    "dpm": "--dpm",
    "tilt": "--tilt",
    "cylinder": "--cylinder",
    "sinusoid": "--sinusoid",
    "height_map": "--height-map",
    "z_track": "--z-track",
    "autofocus": "--autofocus",
}


_AXIS = click.Choice(["x", "y"])
_OPTIONS = {
    "z": click.option(
        "--z", metavar="UM", help="Distance, list -5,0,5 or range -10:10:0.5, in µm."
    ),
    "dpm": click.option(
        "--dpm",
        metavar="FILE",
        type=PathName(),
        help="Image of distances in µm (32-bit float).",
    ),
    "tilt": click.option(
        "--tilt", metavar="DEG", type=Number(), help="Plane tilted around --tilt-axis."
    ),
    "cylinder": click.option(
        "--cylinder", metavar="UM", type=Number(), help="Tube of this diameter in µm."
    ),
    "sinusoid": click.option(
        "--sinusoid",
        metavar="PX:ZMIN:ZMAX",
        help="Wave of this period in pixels, between two distances in µm.",
    ),
    "height_map": click.option(
        "--height-map",
        metavar="FILE",
        type=PathName(),
        help="Image of heights as grey levels.",
    ),
    "z_track": click.option(
        "--z-track",
        metavar="CSV",
        type=PathName(),
        help="A distance for each frame: a file with the columns frame (from 1) and dz_um.",
    ),
    "autofocus": click.option(
        "--autofocus",
        is_flag=True,
        default=None,
        help="Each frame at its sharpest; OUT_track.csv and .png say where that was.",
    ),
    "um_per_grey_level": click.option(
        "--um-per-level",
        "um_per_grey_level",
        type=Number(),
        metavar="UM",
        help="Height of one level of --height-map.",
    ),
    "surface_axis": click.option(
        "--tilt-axis",
        "--cylinder-axis",
        "surface_axis",
        type=_AXIS,
        default="y",
        show_default=True,
        help="Axis along which the tilted plane or the tube does not change.",
    ),
    "sinusoid_axis": click.option(
        "--sinusoid-axis",
        type=_AXIS,
        default="x",
        show_default=True,
        help="Axis along which the wave oscillates.",
    ),
    "offset_um": click.option(
        "--offset",
        "offset_um",
        type=Number(),
        metavar="UM",
        help="Distance at the center of --tilt, the apex of --cylinder, level 0 of a map.",
    ),
    "clip": click.option("--clip", is_flag=True, help="Clip distances outside the trained range."),
}
_NO_SURFACES = ("z", "z_track", "autofocus", "clip")

clip_option = _OPTIONS["clip"]
"""Adds ``--clip``, a flag."""


def target_options(function: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options that say what to refocus onto; exactly one of `TARGETS` is given."""
    for name in reversed(_OPTIONS):
        function = _OPTIONS[name](function)
    return function


def surface_options(function: Callable[..., Any]) -> Callable[..., Any]:
    """Add those of `target_options` that describe a surface; `read_surface` reads them."""
    for name in reversed(_OPTIONS):
        if name not in _NO_SURFACES:
            function = _OPTIONS[name](function)
    return function


def read_target(
    *,
    um_per_grey_level: float | None,
    surface_axis: AxisName,
    sinusoid_axis: AxisName,
    offset_um: float | None,
    **targets: Any,
) -> Sequence[float] | Surface | Track | None:
    """Return what the values of `target_options` ask for; None for the sharpest distances."""
    given = [name for name in TARGETS if targets.get(name) is not None]
    if len(given) != 1:
        found = " and ".join(TARGETS[name] for name in given) or "none of them"
        raise click.UsageError(f"give exactly one of {', '.join(TARGETS.values())}; found {found}")
    kind, value = given[0], targets[given[0]]
    if um_per_grey_level is not None and kind != "height_map":
        raise click.UsageError("--um-per-level belongs to --height-map")
    if offset_um is not None and kind in ("z", "sinusoid", "z_track", "autofocus"):
        raise click.UsageError(f"--offset does not go with {TARGETS[kind]}; add it to its values")
    if kind == "autofocus":
        from deepz_zoo.extras import require_plots

        require_plots("--autofocus")  # which plots what it found
        return None

    from deepz_zoo import dpm
    from deepz_zoo.refocus.depths import parse_depths
    from deepz_zoo.refocus.track import read_track

    offset_um = offset_um or 0.0
    if kind == "z":
        return parse_depths(value)
    if kind == "z_track":
        return read_track(value)
    if kind == "sinusoid":
        return dpm.Sinusoid(*_three_numbers(value), axis=sinusoid_axis)
    if kind in ("dpm", "height_map"):
        return dpm.HeightMap(value, um_per_grey_level, offset_um)
    surface = dpm.Tilt if kind == "tilt" else dpm.Cylinder
    return surface(value, surface_axis, offset_um)


def read_surface(**options: Any) -> Surface | None:
    """Return the surface that the values of `surface_options` describe, or None for none.

    The options that belong to a surface need one.
    """
    surfaces = [option for name, option in TARGETS.items() if name not in _NO_SURFACES]
    given = [TARGETS[name] for name in TARGETS if options.get(name) is not None]
    if len(given) > 1:
        raise click.UsageError(f"{' and '.join(given)} exclude each other")
    if given:
        surface: Any = read_target(**options)
        return surface  # type: ignore[no-any-return]
    for name, option in (("um_per_grey_level", "--um-per-level"), ("offset_um", "--offset")):
        if options[name] is not None:
            raise click.UsageError(f"{option} goes with one of {', '.join(surfaces)}")
    return None


def _three_numbers(text: str) -> tuple[float, float, float]:
    try:
        period_px, z_min_um, z_max_um = (float(part) for part in text.split(":"))
    except ValueError:
        raise click.UsageError(
            f"--sinusoid {text}: expected PX:ZMIN:ZMAX, such as 128:-9:-1"
        ) from None
    return period_px, z_min_um, z_max_um


def written_targets(options: dict[str, Any]) -> str:
    """Return the option that says what to refocus onto, as the user wrote it."""
    return " ".join(
        option if options[name] is True else f"{option} {options[name]}"
        for name, option in TARGETS.items()
        if options[name] is not None
    )
