"""Options that the commands of ``deepz-zoo fiji`` share."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import click

Function = TypeVar("Function", bound=Callable[..., Any])


def imagej_option(function: Function) -> Function:
    """Add ``--fiji``; the command's function receives it as ``fiji``, None by default."""
    return click.option(
        "--fiji",
        metavar="PLACE",
        help="Folder of a Fiji or ImageJ, an ij.jar, or Maven coordinates (sc.fiji:fiji).",
    )(function)


def window_option(function: Function) -> Function:
    """Add ``--window``; the command's function receives ``window: bool``."""
    return click.option(
        "--window", is_flag=True, help="Run ImageJ on the display instead of without one."
    )(function)
