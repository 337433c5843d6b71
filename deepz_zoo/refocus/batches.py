"""How much goes through the network at once."""

from __future__ import annotations

import math

import torch

from deepz_zoo.engines.engine_network import bytes_per_pixel
from deepz_zoo.memory import available_bytes
from deepz_zoo.network.graph.wrapper import DeepZModel
from deepz_zoo.refocus.tiling import DEFAULT_TILE_PX

_MEMORY_FRACTION = 0.5
_ENOUGH_PX = DEFAULT_TILE_PX**2
"""Pixels beyond which more planes at once are no faster on a CPU."""


def default_tile_px(model: DeepZModel, device: torch.device) -> int:
    """Return the side of the tiles of a large image.

    On a GPU it is what the memory allows, since the overlaps of tiles are computed in vain.
    """
    needed = bytes_per_pixel(model.generator)
    available = _available_bytes(device) if device.type == "cuda" else None
    if not needed or available is None:
        return DEFAULT_TILE_PX
    return max(DEFAULT_TILE_PX, math.isqrt(int(_MEMORY_FRACTION * available / needed)))


def planes_at_once(model: DeepZModel, plane_px: int, planes: int, device: torch.device) -> int:
    """Return the number of planes of a batch, such that all batches are about as large.

    Parameters
    ----------
    model
        Runs on `device`.
    plane_px
        Pixels of one plane.
    planes
        How many there are in all.
    """
    largest = planes
    if device.type == "cpu":
        largest = min(largest, _ENOUGH_PX // plane_px)
    needed = plane_px * bytes_per_pixel(model.generator)
    available = _available_bytes(device)
    if needed and available is not None:
        largest = min(largest, int(_MEMORY_FRACTION * available / needed))
    batches = -(-planes // max(largest, 1))
    return -(-planes // batches)


def _available_bytes(device: torch.device) -> int | None:
    if device.type == "cuda":
        free: int = torch.cuda.mem_get_info(device)[0]
        return free
    return available_bytes()
