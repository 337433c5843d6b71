"""Refocus one image onto planes and surfaces."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from itertools import groupby
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from deepz_zoo.errors import DeepZError
from deepz_zoo.images import Shape
from deepz_zoo.network.graph.wrapper import DeepZModel
from deepz_zoo.progress import Progress, no_progress
from deepz_zoo.refocus.batches import default_tile_px, planes_at_once
from deepz_zoo.refocus.levels import measure_levels
from deepz_zoo.refocus.tiling import Tile, tiles

if TYPE_CHECKING:
    from deepz_zoo.dpm import DPM

MIN_SIDE_PX = 16


def refocus_image(
    model: nn.Module,
    image: NDArray[Any],
    target: DPM | Sequence[float] | float,
    *,
    tile_px: int | None = None,
) -> NDArray[np.float32]:
    """Refocus an image onto a surface, a plane or several planes.

    Parameters
    ----------
    model
        A `DeepZModel` in evaluation mode, or another graph with its inputs and outputs, such as
        TorchScript; it runs where its parameters are.
    image
        Camera image, shape (y, x), in any intensity unit.
    target
        A DPM in µm of the image's shape, a distance in µm, or a list of distances.
    tile_px
        A `DeepZModel` refocuses larger images in overlapping tiles of this size, with the same
        result and bounded memory; by default of 1024 px, or more where the memory of a GPU allows.
        Another graph always sees the whole image.

    Returns
    -------
    ndarray of float32
        Shape (y, x) for a DPM or one distance, (planes, y, x) for a list; units of the image.

    Raises
    ------
    DeepZError
        When the image is not one plane of 16 by 16 pixels or more, or the DPM is of another shape.
    """
    if isinstance(target, np.ndarray):
        return next(refocus_planes(model, image, [target], tile_px=tile_px))
    if isinstance(target, Sequence):
        return np.stack(list(refocus_planes(model, image, target, tile_px=tile_px)))
    return next(refocus_planes(model, image, [float(target)], tile_px=tile_px))


def refocus_planes(
    model: nn.Module,
    image: NDArray[Any],
    targets: Sequence[float | DPM],
    *,
    tile_px: int | None = None,
    progress: Progress = no_progress,
) -> Iterator[NDArray[np.float32]]:
    """Yield the image refocused onto one plane or surface after another.

    Parameters
    ----------
    model, image, targets, tile_px, progress
        As in `refocus_rows`.

    Yields
    ------
    ndarray of float32, shape (y, x)
    """
    rows = refocus_rows(model, image, targets, tile_px=tile_px, progress=progress)
    return whole_planes(rows, (image.shape[0], image.shape[1]))


class Rows(NamedTuple):
    """Some rows of a refocused image.

    Attributes
    ----------
    target
        Number of the target, from 0.
    first
        Number of the first row.
    pixels
        Shape (rows, x), float32.
    """

    target: int
    first: int
    pixels: NDArray[np.float32]


def whole_planes(parts: Iterable[Rows], shape: Shape) -> Iterator[NDArray[np.float32]]:
    """Put rows together to planes of a shape (y, x)."""
    plane = np.empty((0, 0), np.float32)
    for _, first, pixels in parts:
        if len(pixels) == shape[0]:
            yield pixels
            continue
        if first == 0:
            plane = np.empty(shape, np.float32)
        plane[first : first + len(pixels)] = pixels
        if first + len(pixels) == shape[0]:
            yield plane


def refocus_rows(
    model: nn.Module,
    image: NDArray[Any],
    targets: Sequence[float | DPM],
    *,
    tile_px: int | None = None,
    progress: Progress = no_progress,
) -> Iterator[Rows]:
    """Yield refocused images in parts, so that large ones need not fit into memory.

    The image is normalized once, as a whole, whatever the number of targets and tiles.

    Parameters
    ----------
    model, image, tile_px
        As in `refocus_image`.
    targets
        Distances in µm or DPMs of the image's shape, in any mixture.
    progress
        Hears of each tile of a plane that has several.

    Yields
    ------
    Rows
        From the first to the last row of the first target, then of the next; all rows at once where
        the image is one tile.
    """
    if image.ndim != 2 or min(image.shape) < MIN_SIDE_PX:
        raise DeepZError(
            f"an image of {' × '.join(map(str, image.shape))} px; expected one plane of "
            f"{MIN_SIDE_PX} × {MIN_SIDE_PX} px or more"
        )
    for target in targets:
        if isinstance(target, np.ndarray) and target.shape != image.shape:
            raise DeepZError(
                f"the DPM is {' × '.join(map(str, target.shape))} px (y × x), the image is "
                f"{' × '.join(map(str, image.shape))}; expected a distance for each pixel"
            )
    device = next((p.device for p in model.parameters()), torch.device("cpu"))
    refocus, parts = _graph(model, image, tile_px, device)
    at_once = 1
    if isinstance(model, DeepZModel) and len(parts) == 1:
        at_once = planes_at_once(model, image.size, len(targets), device)
    for first in range(0, len(targets), at_once):
        batch = targets[first : first + at_once]
        for row, pixels in _refocus_tiles(refocus, image, batch, parts, device, progress):
            for number, plane in enumerate(pixels, start=first):
                yield Rows(number, row, plane)


def _graph(
    model: nn.Module, image: NDArray[Any], tile_px: int | None, device: torch.device
) -> tuple[Callable[[torch.Tensor], torch.Tensor], list[Tile]]:
    """Return what refocuses tiles of an image, and the tiles."""
    shape = (image.shape[0], image.shape[1])
    if not isinstance(model, DeepZModel):
        # Another graph normalizes what it sees: the image has to stay whole.
        return model, list(tiles(shape, max(shape), multiple=1))
    # On the CPU, whatever the device, so that every engine sees the same normalized image.
    background, scale = (level.to(device) for level in measure_levels(model.normalization, image))
    refocus = partial(model.refocus, background=background, scale=scale)
    side_px = default_tile_px(model, device) if tile_px is None else tile_px
    return refocus, list(tiles(shape, side_px, model.multiple))


def _refocus_tiles(
    refocus: Callable[[torch.Tensor], torch.Tensor],
    image: NDArray[Any],
    targets: Sequence[float | DPM],
    parts: Sequence[Tile],
    device: torch.device,
    progress: Progress,
) -> Iterator[tuple[int, NDArray[np.float32]]]:
    """Refocus an image onto several targets at once; yield first row and rows (target, row, x)."""
    done = 0
    for rows, side_by_side in groupby(parts, key=lambda tile: tile.core[0]):
        height = rows.stop - rows.start
        refocused = np.empty((len(targets), height, image.shape[1]), dtype=np.float32)
        for tile in side_by_side:
            window = torch.from_numpy(np.array(image[tile.window], dtype=np.float32)).to(device)
            batch = torch.stack([_with_distances(window, target, tile) for target in targets])
            # This layout makes convolutions on a CPU 1.5 times as fast.
            batch = batch.contiguous(memory_format=torch.channels_last)
            # Entered for each tile: left open, it would spread to the caller between two planes.
            with torch.inference_mode():
                output = refocus(batch)[:, 0].float().cpu().numpy()
            refocused[:, :, tile.core[1]] = output[:, tile.inner[0], tile.inner[1]]
            done += 1
            if len(parts) > 1:
                progress("tiles", done, len(parts))
        if not np.isfinite(refocused).all():
            raise DeepZError(
                "the refocused image holds NaN or infinity; check the weights, and whether the "
                "values of the image are sane"
            )
        yield rows.start, refocused


def _with_distances(window: torch.Tensor, target: float | DPM, tile: Tile) -> torch.Tensor:
    """Return image and distances of a tile, shape (2, y, x)."""
    if isinstance(target, np.ndarray):
        distances = torch.from_numpy(np.array(target[tile.window], dtype=np.float32)).to(window)
    else:
        distances = torch.full_like(window, float(target))
    return torch.stack([window, distances])


def rounded(plane: NDArray[np.float32], dtype: np.dtype[Any]) -> NDArray[Any]:
    """Return a plane in another type; integers are rounded and stay within the type's range."""
    if dtype.kind not in "iu":
        return plane.astype(dtype)
    limits = np.iinfo(dtype)
    return np.clip(np.rint(plane.astype(np.float64)), limits.min, limits.max).astype(dtype)
