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
    image, and extend beyond their core by the radius of the receptive field or up to the border.
    Once padded to whole cells all are of one size, so that an engine prepares for one size only.

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
    cells, halo = -(-length // multiple), HALO_MULTIPLES
    largest = max(tile_px // multiple, 2 * halo + 1)
    if length <= tile_px or cells <= largest:
        yield slice(0, length), slice(0, length), slice(0, length)
        return
    # The outer windows reach the border, so that they need an overlap on one side only.
    count = -(-(cells - 2 * halo) // (largest - 2 * halo))
    step = -(-(cells - 2 * halo) // count)
    size = step + 2 * halo
    for index in range(count):
        low = min(index * step, cells - size)
        first, last = index == 0, index == count - 1
        start = 0 if first else (index * step + halo) * multiple
        stop = length if last else ((index + 1) * step + halo) * multiple
        window = slice(low * multiple, min((low + size) * multiple, length))
        yield window, slice(start, stop), slice(start - window.start, stop - window.start)
