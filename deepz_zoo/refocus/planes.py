"""Refocus one image onto planes and surfaces."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from numpy.typing import NDArray

from deepz_zoo.errors import DeepZError
from deepz_zoo.refocus.tiling import DEFAULT_TILE_PX, tiles

if TYPE_CHECKING:
    from deepz_zoo.dpm import DPM
    from deepz_zoo.network.graph.wrapper import DeepZModel

Plane = NDArray[np.float32]

SMALLEST_SIDE_PX = 16


def refocus_image(
    model: DeepZModel,
    image: NDArray[Any],
    target: DPM | Sequence[float] | float,
    *,
    tile_px: int = DEFAULT_TILE_PX,
) -> Plane:
    """Refocus an image onto a surface, a plane or several planes.

    Parameters
    ----------
    model
        Graph wrapper, in evaluation mode; it runs where its parameters are.
    image
        Camera image, shape (y, x), in any intensity unit.
    target
        A DPM in µm of the image's shape, a distance in µm, or a list of distances.
    tile_px
        Images larger than this are refocused in overlapping tiles of this size, with the same
        result and bounded memory.

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
    model: DeepZModel,
    image: NDArray[Any],
    surfaces: Sequence[float | DPM],
    *,
    tile_px: int = DEFAULT_TILE_PX,
) -> Iterator[Plane]:
    """Yield the image refocused onto one surface after another.

    The image is normalized once, as a whole, whatever the number of surfaces and tiles.

    Parameters
    ----------
    model, image, tile_px
        As in `refocus_image`.
    surfaces
        Distances in µm or DPMs of the image's shape, in any mixture.

    Yields
    ------
    ndarray of float32, shape (y, x)
    """
    if image.ndim != 2 or min(image.shape) < SMALLEST_SIDE_PX:
        raise DeepZError(
            f"an image of {' × '.join(map(str, image.shape))} px; expected one plane of "
            f"{SMALLEST_SIDE_PX} × {SMALLEST_SIDE_PX} px or more"
        )
    device = next((p.device for p in model.parameters()), torch.device("cpu"))
    camera = torch.from_numpy(np.array(image, dtype=np.float32)).to(device)
    with torch.inference_mode():
        background, scale = model.normalization(camera[None, None])
    for surface in surfaces:
        if isinstance(surface, np.ndarray) and surface.shape != image.shape:
            raise DeepZError(
                f"the DPM is {' × '.join(map(str, surface.shape))} px (y × x), the image is "
                f"{' × '.join(map(str, image.shape))}; expected a distance for each pixel"
            )
        yield _refocus_tiles(model, camera, surface, background, scale, tile_px)


def _refocus_tiles(
    model: DeepZModel,
    camera: torch.Tensor,
    surface: float | DPM,
    background: torch.Tensor,
    scale: torch.Tensor,
    tile_px: int,
) -> Plane:
    ny, nx = camera.shape
    dpm = np.broadcast_to(np.asarray(surface, dtype=np.float32), (ny, nx))
    refocused = np.empty((ny, nx), dtype=np.float32)
    for tile in tiles((ny, nx), tile_px, model.multiple):
        window = camera[tile.window]
        distances = torch.from_numpy(np.array(dpm[tile.window])).to(window)
        # This layout makes convolutions on a CPU half as fast again.
        batch = torch.stack([window, distances])[None].contiguous(memory_format=torch.channels_last)
        # Entered for each tile: left open, it would spread to the caller between two planes.
        with torch.inference_mode():
            output = model.refocus(batch, background, scale)
        refocused[tile.core] = output[0, 0].float().cpu().numpy()[tile.inner]
    return refocused


def rounded(plane: Plane, dtype: np.dtype[Any]) -> NDArray[Any]:
    """Return a plane in another type; integers are rounded and stay within the type's range."""
    if dtype.kind not in "iu":
        return plane.astype(dtype)
    limits = np.iinfo(dtype)
    return np.clip(np.rint(plane.astype(np.float64)), limits.min, limits.max).astype(dtype)
