"""Divide regions into training and validation so that no pixel is in both."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components


@dataclass(frozen=True)
class Window:
    """The place of a region: its field of view, its first row and column, and its side."""

    field_of_view: int
    y_px: int
    x_px: int
    size_px: int

    def overlaps(self, other: Window) -> bool:
        """Tell whether two regions have pixels in common."""
        return (
            self.field_of_view == other.field_of_view
            and abs(self.y_px - other.y_px) < min(self.size_px, other.size_px)
            and abs(self.x_px - other.x_px) < min(self.size_px, other.size_px)
        )


@dataclass(frozen=True)
class Division:
    """Indices of the regions for validation, and of those dropped for overlapping them."""

    validation: frozenset[int]
    dropped: frozenset[int]
    by_field: bool


def divide_regions(windows: Sequence[Window], fraction: float, seed: int) -> Division:
    """Choose the regions for validation.

    "This was randomly divided into a training dataset and a validation dataset, which took 85% and
    15% of the data respectively" (Methods, "Image pre-processing and training data preparation").

    Planes of one region show one specimen, and regions overlap. Therefore whole fields of view are
    divided, if there are so many that one of them is at most the wanted fraction. With fewer,
    groups of regions that are connected by overlaps are divided. If each group is too large for
    that, single regions are taken, and the training regions that overlap them are dropped, as few
    as possible.

    Parameters
    ----------
    windows
        The regions, test regions not among them.
    fraction
        Fraction of the regions to use for validation.
    seed
        Seed of the choice.

    Returns
    -------
    Division
        Without any region for validation if there is only one, or if all overlap.
    """
    generator = np.random.default_rng(seed)
    fields = [window.field_of_view for window in windows]
    if len(set(fields)) >= math.ceil(1 / fraction):
        chosen = _choose(_grouped(fields), fraction * len(windows), generator)
        return Division(chosen, frozenset(), by_field=True)
    near = _neighbors(windows)
    chosen = _choose(_connected(near), fraction * len(windows), generator)
    if chosen:
        return Division(chosen, frozenset(), by_field=False)
    return _carve(near, fraction, generator)


def _choose(
    groups: Sequence[frozenset[int]], wanted: float, generator: np.random.Generator
) -> frozenset[int]:
    """Take groups in random order as long as their sum comes nearer to the wanted number."""
    chosen: frozenset[int] = frozenset()
    for index in generator.permutation(len(groups)):
        more = chosen | groups[index]
        if abs(len(more) - wanted) < abs(len(chosen) - wanted):
            chosen = more
    return chosen


def _carve(
    near: Sequence[frozenset[int]], fraction: float, generator: np.random.Generator
) -> Division:
    """Take single regions, those with fewest overlaps first, and drop their neighbors."""
    validation: set[int] = set()
    dropped: set[int] = set()
    order = [int(i) for i in generator.permutation(len(near))]
    while True:
        training = len(near) - len(validation) - len(dropped)
        costs = {
            i: len(near[i] - dropped - validation) + (i not in dropped)
            for i in order
            if i not in validation
        }
        best = min(costs, key=lambda i: costs[i], default=None)
        if best is None or costs[best] >= training:
            break
        kept = training - costs[best]
        if validation and len(validation) + 1 > fraction * (len(validation) + 1 + kept):
            break
        validation.add(best)
        dropped = (dropped | near[best]) - validation
    return Division(frozenset(validation), frozenset(dropped), by_field=False)


def _neighbors(windows: Sequence[Window]) -> list[frozenset[int]]:
    """Return for each region the regions that overlap it."""
    return [
        frozenset(j for j, other in enumerate(windows) if j != i and window.overlaps(other))
        for i, window in enumerate(windows)
    ]


def _connected(near: Sequence[frozenset[int]]) -> list[frozenset[int]]:
    links = [(i, j) for i, others in enumerate(near) for j in others]
    rows, columns = zip(*links, strict=True) if links else ((), ())
    graph = coo_array((np.ones(len(links)), (rows, columns)), shape=(len(near), len(near)))
    return _grouped(connected_components(graph, directed=False)[1].tolist())


def _grouped(labels: Iterable[int]) -> list[frozenset[int]]:
    """Group the indices of equal labels, in order of first appearance."""
    groups: dict[int, list[int]] = {}
    for index, label in enumerate(labels):
        groups.setdefault(label, []).append(index)
    return [frozenset(group) for group in groups.values()]
