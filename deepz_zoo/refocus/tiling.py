"""Overlapping tiles of a large image that give exactly what the whole image gives."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product

from deepz_zoo.images import Shape

DEFAULT_TILE_PX = 1024

HALO_MULTIPLES = 8
"""Overlap of the tiles: the radius of the receptive field, in units of the network's `multiple`.

With m = 2^(levels-1), the down blocks see 2(2m-1) px, the up blocks 2(m-1), the last layer 1; cells
of the coarsest grid add m-1, and transposed convolutions of size 3 another m-1: 8m-6 altogether.
"""


@dataclass(frozen=True)
class Tile:
    """One tile along both axes.

    Attributes
    ----------
    window
        What the network sees, with the overlap.
    core
        Which part of the image the tile decides.
    inner
        The core within the window.
    """

    window: tuple[slice, slice]
    core: tuple[slice, slice]
    inner: tuple[slice, slice]


def tiles(shape: Shape, tile_px: int, multiple: int) -> Iterator[Tile]:
    """Cover an image with tiles whose cores lie side by side.

    Windows start at multiples of `multiple`, so that pooling cells fall where they do in the whole
    image, and extend beyond their core by the radius of the receptive field.

    Parameters
    ----------
    shape
        (y, x) in pixels.
    tile_px
        Largest side of a window in pixels. An image that fits is one tile; otherwise it must leave
        room for a core between two overlaps, or the smallest size that does is taken.
    multiple
        Pixels of a cell of the network's coarsest grid.
    """
    rows, columns = (list(_spans(n, tile_px, multiple)) for n in shape)
    for row, column in product(rows, columns):
        yield Tile(*((row[i], column[i]) for i in range(3)))


def _spans(length: int, tile_px: int, multiple: int) -> Iterator[tuple[slice, slice, slice]]:
    """Yield window, core and inner slice of the tiles along one axis."""
    halo = HALO_MULTIPLES * multiple
    step = max((tile_px - 2 * halo) // multiple, 1) * multiple
    if length <= max(tile_px, step + 2 * halo):
        step = length
    for start in range(0, length, step):
        stop = min(start + step, length)
        low, high = max(start - halo, 0), min(stop + halo, length)
        yield slice(low, high), slice(start, stop), slice(start - low, stop - low)
