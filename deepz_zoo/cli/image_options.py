"""Options of several commands that say how to understand images, and how to work on them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import click

from deepz_zoo.cli.parameters import Integer, Number

Function = TypeVar("Function", bound=Callable[..., Any])


def stack_options(function: Function) -> Function:
    """Add ``--pixel-size``, ``--z-step`` and ``--reverse``: how to understand a z-stack."""
    for decorate in (
        click.option(
            "--pixel-size",
            "pixel_size_um",
            type=Number(min=0, min_open=True),
            metavar="UM",
            help="Pixel size in the specimen, where the file does not say or is wrong.",
        ),
        click.option(
            "--z-step",
            "z_step_um",
            type=Number(min=0, min_open=True),
            metavar="UM",
            help="Distance between the planes, where the file does not say.",
        ),
        click.option("--reverse", is_flag=True, help="Acquired with decreasing stage z."),
    )[::-1]:
        function = decorate(function)
    return function


def mismatch_options(function: Function) -> Function:
    """Add ``--resample`` and ``--ignore-pixel-size``, which `pixel_policy` understands."""
    ignore = click.option(
        "--ignore-pixel-size", is_flag=True, help="Go on although the pixel sizes differ."
    )
    resample = click.option(
        "--resample",
        is_flag=True,
        help="Refocus at the model's pixel size; the result has the image's again.",
    )
    return resample(ignore(function))


def tile_option(function: Function) -> Function:
    """Add ``--tile``: the side in px of the tiles of larger images, or None."""
    return click.option(
        "--tile",
        "tile_px",
        type=Integer(min=16),
        show_default="1024, more where the memory of a GPU allows",
        metavar="PX",
        help="Refocus larger images in tiles of this side; smaller ones take less memory.",
    )(function)
