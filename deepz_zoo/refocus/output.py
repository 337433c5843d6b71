"""Refocused images as calibrated files."""

from __future__ import annotations

import math
import os
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from deepz_zoo.errors import DeepZError
from deepz_zoo.files import refuse_output
from deepz_zoo.images import NewImage, Style, create_image
from deepz_zoo.progress import Progress, no_progress
from deepz_zoo.refocus.planes import rounded

if TYPE_CHECKING:
    from deepz_zoo.network.graph.wrapper import DeepZModel
    from deepz_zoo.refocus.plan import RefocusPlan


def refuse_refocused(
    path: str | os.PathLike[str],
    *,
    inputs: Iterable[str | os.PathLike[str]] = (),
    overwrite: bool = True,
) -> None:
    """Check that a refocused image may be written, before anything is computed for it.

    Parameters
    ----------
    path
        The file to write.
    inputs
        Files that are read, which must not be replaced.
    overwrite
        Whether a file of that name is replaced.

    Raises
    ------
    DeepZError
        If the name does not end in .tif or .tiff or is that of an input, or see `refuse_output`.
    """
    path = Path(path)
    if path.suffix.lower() not in (".tif", ".tiff"):
        raise DeepZError(f"{path}: TIFF is written; expected a name that ends in .tif or .tiff")
    refuse_output(path, overwrite=overwrite, inputs=inputs)


def write_refocused(
    path: str | os.PathLike[str],
    plan: RefocusPlan,
    model: DeepZModel,
    *,
    dtype: npt.DTypeLike = np.float32,
    style: Style = "ome",
    description: str = "",
    tile_px: int | None = None,
    progress: Progress = no_progress,
) -> None:
    """Refocus as planned, and write each plane as soon as it is made.

    Parameters
    ----------
    path
        The file; see `create_image`.
    plan, model, tile_px
        What is refocused onto what, by which model, in which tiles.
    dtype
        Type of the pixels; values are rounded to integers where it is one.
    style, description
        As in `write_image`.
    progress
        Hears of each tile: a large plane takes long.
    """
    pixel_type = np.dtype(dtype)

    def planes() -> Iterator[npt.NDArray[Any]]:
        count, made = math.prod(plan.shape[:-2]), 0
        progress("Refocusing")

        def within_plane(step: str, done: int = 0, total: int = 0) -> None:
            progress("Refocusing", made * total + done, count * total)
            heard.append(total)

        heard: list[int] = []
        for plane in plan.run(model, tile_px=tile_px, progress=within_plane):
            made += 1
            if not heard:  # planes of one tile
                progress("Refocusing", made, count)
            yield rounded(plane, pixel_type)

    new = NewImage(plan.shape, plan.axes, pixel_type, plan.calibration, description)
    with create_image(path, new, style=style) as write:
        for number, plane in enumerate(planes()):
            write(plane, number)
