"""Refocused images as calibrated files."""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
import numpy.typing as npt

from deepz_zoo.errors import DeepZError
from deepz_zoo.files import refuse_output
from deepz_zoo.images import (
    NewImage,
    PlaneWriter,
    Style,
    ZarrVersion,
    create_image,
    has_zarr_name,
    is_ome_zarr,
)
from deepz_zoo.progress import Progress, no_progress
from deepz_zoo.refocus.planes import rounded

if TYPE_CHECKING:
    from deepz_zoo.images.stored import Array
    from deepz_zoo.refocus.channels import ChannelPlan

PlacedRows: TypeAlias = "tuple[Array, int, int]"
"""Rows of a plane, the number of the plane and its first row, as a `PlaneWriter` takes them."""
Elsewhere: TypeAlias = Callable[[int, PlaneWriter], Iterator[None]]
"""Takes the number of frames and what writes them, and yields after each frame."""


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
        If the name does not end in .tif, .tiff or .zarr or is that of an input; if a folder of that
        name is no OME-Zarr; or see `refuse_output`.
    """
    path = Path(path)
    if path.suffix.lower() not in (".tif", ".tiff") and not has_zarr_name(path):
        raise DeepZError(
            f"{path}: TIFF or OME-Zarr is written; expected a name that ends in .tif, .tiff or "
            ".ome.zarr"
        )
    if has_zarr_name(path) and is_ome_zarr(path):
        if any(path.resolve() in (p := Path(name).resolve(), *p.parents) for name in inputs):
            raise DeepZError(f"{path} is an input too; choose another name for the output")
        if not overwrite:
            raise DeepZError(f"{path} exists; name another folder or set `overwrite`")
        return
    refuse_output(path, overwrite=overwrite, inputs=inputs)


def write_refocused(
    path: str | os.PathLike[str],
    channels: Sequence[ChannelPlan],
    *,
    dtype: npt.DTypeLike = np.float32,
    style: Style = "ome",
    zarr_version: ZarrVersion = "0.5",
    description: str = "",
    tile_px: int | None = None,
    elsewhere: Elsewhere | None = None,
    progress: Progress = no_progress,
) -> None:
    """Refocus as planned, frame by frame, and write each plane as soon as it is made.

    Parameters
    ----------
    path
        The file; see `create_image`.
    channels
        What is refocused onto what, by which model, for each channel of the output.
    dtype
        Type of the pixels; values are rounded to integers where it is one.
    style, zarr_version, description
        As in `write_image`.
    tile_px
        As in `refocus_image`.
    elsewhere
        Refocuses and writes the frames in place of this process; see `refocus.distributed`.
    progress
        Hears of each plane, of each tile where planes are large; of each frame made elsewhere.

    Raises
    ------
    DeepZError
        If channels would be clipped to different distances.
    """
    new = _layout(channels, np.dtype(dtype), description)
    frames, rows_in_all = channels[0].plan.frames.plane_count, new.shape[-2]
    with create_image(path, new, style=style, zarr_version=zarr_version) as write:
        if elsewhere is not None:
            progress("Refocusing")
            for done, _ in enumerate(elsewhere(frames, write), start=1):
                progress("Refocusing", done, frames)
            return
        heard = _PlaneProgress(progress, math.prod(new.shape[:-2]))
        for frame in range(frames):
            made = refocused_frame(channels, frame, dtype, tile_px=tile_px, progress=heard.tiles)
            for rows, plane, first in made:
                write(rows, plane, first)
                if first + len(rows) == rows_in_all:
                    heard.plane()


def refocused_frame(
    channels: Sequence[ChannelPlan],
    frame: int,
    dtype: npt.DTypeLike,
    *,
    tile_px: int | None = None,
    progress: Progress = no_progress,
) -> Iterator[PlacedRows]:
    """Yield what `write_refocused` writes of one frame, counted from 0.

    Yields
    ------
    tuple
        Rows of a plane, the number of the plane and its first row, as a `PlaneWriter` takes them.
    """
    targets = len(channels[0].plan.targets)
    for number, channel in enumerate(channels):
        for target, first, pixels in channel.rows(frame, tile_px=tile_px, progress=progress):
            place = (frame * targets + target) * len(channels) + number
            yield rounded(pixels, np.dtype(dtype)), place, first


class _PlaneProgress:
    """Counts planes, or tiles where planes have several."""

    def __init__(self, progress: Progress, planes: int) -> None:
        self.progress, self.planes = progress, planes
        self.made, self.tiles_of_plane = 0, 1
        progress("Refocusing")

    def tiles(self, step: str, done: float = 0, total: int = 0) -> None:
        """Hear of a tile of the plane that is being made."""
        self.tiles_of_plane = total
        self.progress("Refocusing", self.made * total + done, self.planes * total)

    def plane(self) -> None:
        """Hear of a plane."""
        self.made += 1
        if self.tiles_of_plane == 1:
            self.progress("Refocusing", self.made, self.planes)


def _layout(channels: Sequence[ChannelPlan], dtype: np.dtype[Any], description: str) -> NewImage:
    """Return what the file will be like: with a channel axis where there are several."""
    plans = [channel.plan for channel in channels]
    if any(plan.z_um != plans[0].z_um for plan in plans):
        raise DeepZError(
            "the models of the channels are clipped to different ranges; choose distances that all "
            "of them were trained for"
        )
    first, calibrations = plans[0], [plan.calibration for plan in plans]
    if len(plans) == 1:
        return NewImage(first.shape, first.axes, dtype, first.calibration, description)
    calibration = replace(
        first.calibration,
        channel_names=tuple(name for known in calibrations for name in known.channel_names),
        emission_um=tuple(um for known in calibrations for um in known.emission_um),
        colors=tuple(color for known in calibrations for color in known.colors),
    )
    *leading, ny, nx = first.shape
    axes = first.axes.replace("yx", "cyx")
    return NewImage((*leading, len(plans), ny, nx), axes, dtype, calibration, description)
