"""Cover a foreground mask with as few square regions as a greedy search finds."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from deepz_zoo.errors import DeepZError

Corner = tuple[int, int]
"""First row and first column of a region."""


def cover_mask(
    mask: NDArray[Any], region_px: int = 256, *, overlap: float = 0.05
) -> tuple[Corner, ...]:
    """Return the regions that cover a mask.

    "A customized greedy algorithm was used to determine a minimal set of regions with 256×256
    pixels that covered this mask, with ~5% area overlaps between these training regions" (Methods,
    "Image pre-processing and training data preparation").

    The paper does not give the algorithm. Here the mask is covered by the cores of the regions,
    which are smaller than the regions by the overlap. The topmost uncovered pixel is in the first
    row of the next core, which is moved along that row to where it covers most. The same is done
    for the columns, and the smaller of the two sets is taken. Cores then grow to regions, and
    redundant regions are dropped. In a filled mask, neighbors so overlap by the wanted fraction of
    their area on average, and by more if the size of the image is not a multiple of a core.

    Parameters
    ----------
    mask
        Foreground, shape (ny, nx).
    region_px
        Side of a region in pixels.
    overlap
        Fraction of their area that neighbors have in common.

    Returns
    -------
    tuple of (row, column)
        First row and column of each region, sorted. Each region is inside the image, and each pixel
        of the mask in a region.

    Raises
    ------
    DeepZError
        If a side of the mask is shorter than a region.
    """
    mask = np.asarray(mask, dtype=bool)
    if min(mask.shape) < region_px:
        raise DeepZError(
            f"the field of view is {mask.shape[0]} × {mask.shape[1]} px, regions are {region_px} × "
            f"{region_px}: choose a smaller `region_px`, such as {_smaller(min(mask.shape))}"
        )
    core_px = region_px - round(overlap * region_px)
    by_rows = _sweep(mask, core_px)
    by_columns = [(y, x) for x, y in _sweep(mask.T, core_px)]
    found: list[list[Corner]] = []
    for cores in (by_rows, by_columns):
        grown = [_grow(core, mask.shape, core_px, region_px) for core in cores]
        found.append(_without_redundant(mask, grown, region_px))
    smallest = min(found, key=len)
    return tuple(sorted(smallest))


def _sweep(mask: NDArray[np.bool_], side: int) -> list[Corner]:
    """Cover a mask by squares from the top to the bottom."""
    uncovered = mask.copy()
    ny, nx = mask.shape
    corners: list[Corner] = []
    while len(rows := np.flatnonzero(uncovered.any(axis=1))):
        # Nothing is left above: a square that begins with this row covers most of those with it.
        y = min(int(rows[0]), ny - side)
        column = int(np.flatnonzero(uncovered[rows[0]])[0])
        first, last = max(0, column - side + 1), min(column, nx - side)
        counts = np.concatenate([[0], np.cumsum(uncovered[y : y + side].sum(axis=0))])
        gains = (counts[side:] - counts[:-side])[first : last + 1]
        # Of equal ones the rightmost, which begins where the previous square ended.
        x = last - int(np.argmax(gains[::-1]))
        uncovered[y : y + side, x : x + side] = False
        corners.append((y, x))
    return corners


def _grow(core: Corner, shape: tuple[int, ...], core_px: int, region_px: int) -> Corner:
    """Return the region around a core, moved into the image."""
    margin = (region_px - core_px) // 2
    y, x = (
        min(max(start - margin, 0), length - region_px)
        for start, length in zip(core, shape, strict=True)
    )
    return y, x


def _without_redundant(
    mask: NDArray[np.bool_], corners: list[Corner], region_px: int
) -> list[Corner]:
    """Drop regions whose foreground is covered by others, those with least foreground first."""
    windows = {(y, x): (slice(y, y + region_px), slice(x, x + region_px)) for y, x in set(corners)}
    times = np.zeros(mask.shape, dtype=np.int32)
    for window in windows.values():
        times[window] += 1
    needed = []
    for corner in sorted(windows, key=lambda corner: (mask[windows[corner]].sum(), corner)):
        window = windows[corner]
        if (times[window][mask[window]] > 1).all():
            times[window] -= 1
        else:
            needed.append(corner)
    return needed


def _smaller(side: int) -> int:
    """Return the multiple of 32 below a side, which any number of network levels divides."""
    return max(side // 32 * 32, 8)
