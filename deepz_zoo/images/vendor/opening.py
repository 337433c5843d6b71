"""What the readers of all makers' formats share: their libraries, positions and damage."""

from __future__ import annotations

import importlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from deepz_zoo.errors import DeepZError
from deepz_zoo.extras import require
from deepz_zoo.images.refusals import damaged

_MAX_NAMES = 4
_SQUARE_TOLERANCE = 0.01


def load_library(path: Path, format_name: str, library: str) -> Any:
    """Return the library that reads a format.

    Raises
    ------
    DeepZError
        If it is not installed.
    """
    require("formats", library.partition(".")[0], what=f"{path}: {format_name}")
    return importlib.import_module(library)


@contextmanager
def refused_where_damaged(path: Path) -> Iterator[None]:
    """Refuse a file at whatever its library stumbles over."""
    try:
        yield
    except (DeepZError, MemoryError):
        raise
    except Exception as error:
        reason = " ".join(str(error).split()) or type(error).__name__
        raise damaged(path, reason) from error


def choose_position(path: Path, position: int | None, names: Sequence[str]) -> int:
    """Return the number of the image that is meant, of those of a file.

    Parameters
    ----------
    path
        The file.
    position
        From 0, or None for the only one.
    names
        Of all images.

    Raises
    ------
    DeepZError
        If there are several and none is chosen, or no such one.
    """
    if not names:
        raise DeepZError(f"{path} holds no image; copy or export it again")
    if position is None and len(names) > 1:
        listed = ", ".join(f"{i + 1}: {name}" for i, name in enumerate(names[:_MAX_NAMES]))
        more = " …" if len(names) > _MAX_NAMES else ""
        raise DeepZError(
            f"{path} holds {len(names)} separate images ({listed}{more}); choose one with "
            "`position`, or save it as a file of its own"
        )
    if (position or 0) >= len(names):
        raise DeepZError(
            f"{path} has no position {(position or 0) + 1}; it holds {len(names)} images"
        )
    return position or 0


def square_pixel_um(path: Path, x_um: float | None, y_um: float | None) -> float | None:
    """Return the side of a square pixel; None where one of the sides is not stated."""
    if not x_um or not y_um or x_um < 0 or y_um < 0:
        return None
    if abs(x_um - y_um) > _SQUARE_TOLERANCE * x_um:
        raise DeepZError(
            f"{path}: pixels are {x_um:g} × {y_um:g} µm (x × y); expected square ones: "
            "rescale the image, or correct its calibration"
        )
    return x_um
