"""How to understand the images, and what their grey levels become."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

import click

from deepz_zoo.cli.image_options import mismatch_options
from deepz_zoo.cli.options import input_channel_option
from deepz_zoo.cli.parameters import Integer, Number


def input_options(function: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options that say how to understand the image."""
    for decorate in (
        click.option(
            "--axes", metavar="tyx", help="Name the file's axes, where it does not or is wrong."
        ),
        click.option(
            "--position",
            type=Integer(min=1),
            metavar="N",
            help="Position of a file with several, from 1; in a folder, all have their output.",
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
        mismatch_options,
    )[::-1]:
        function = decorate(function)
    return function


def normalization_option(function: Callable[..., Any]) -> Callable[..., Any]:
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
