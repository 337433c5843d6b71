"""Pairs of an input plane and a target plane of a region, with their distance."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

PAIR_DTYPE = np.dtype(
    [("region", "<i4"), ("source", "<i2"), ("target", "<i2"), ("distance_um", "<f8")]
)
"""A pair: index of its region, planes of the region, stage position of target minus source."""


def contrast_curve(stack: NDArray[Any]) -> NDArray[np.float64]:
    """Return the standard deviation of each plane of a stack (nz, ny, nx), shape (nz,)."""
    return np.array([plane.std(dtype=np.float64) for plane in stack])


def middle_plane(contrast: Sequence[float] | NDArray[Any]) -> int:
    """Return the plane of highest contrast.

    "The middle plane for each region was set to be the one with the highest standard deviation"
    (Methods, "Image pre-processing and training data preparation").
    """
    return int(np.argmax(contrast))


def plane_range(middle: int, each_side: int, planes: int) -> tuple[range, bool]:
    """Return the planes around a middle plane, and whether the stack ends within their range.

    "Then 20 planes above and 20 planes below this middle plane were set to be the range of the
    stack."

    Parameters
    ----------
    middle
        Index of the middle plane; outside the stack if the focus is there.
    each_side
        Number of planes above and below it.
    planes
        Number of planes of the stack.
    """
    wanted = range(middle - each_side, middle + each_side + 1)
    found = range(max(wanted.start, 0), min(wanted.stop, planes))
    return found, found != wanted


def draw_pairs(
    region: int,
    z_um: Sequence[float],
    target_z_um: Sequence[float],
    targets: int,
    generator: np.random.Generator,
) -> NDArray[Any]:
    """Draw the targets of each plane of a region.

    "An input image plane was generated from each one of these 41 planes. Depending on the size of
    the data set, around 5-10 out of these 41 planes were randomly selected as the corresponding
    target plane …. For each one of these image pairs, the refocusing distance was determined based
    on the location of the plane (i.e. 0.5 µm times the difference from the input plane to the
    target plane)."

    As these sentences say, planes are drawn without repetition and at any distance, including the
    input itself; the distances cover the range from one end to the other.

    Parameters
    ----------
    region
        Index of the region.
    z_um, target_z_um
        Positions of the input planes and of the possible target planes.
    targets
        Number of targets per input plane; all planes where there are fewer.

    Returns
    -------
    structured ndarray of `PAIR_DTYPE`
        Sorted by source and target.
    """
    count = min(targets, len(target_z_um))
    pairs = np.empty(len(z_um) * count, dtype=PAIR_DTYPE)
    pairs["region"] = region
    pairs["source"] = np.repeat(np.arange(len(z_um)), count)
    pairs["target"] = np.concatenate(
        [np.sort(generator.choice(len(target_z_um), count, replace=False)) for _ in z_um]
    )
    source_um, target_um = np.asarray(z_um)[pairs["source"]], np.asarray(target_z_um)
    pairs["distance_um"] = np.round(target_um[pairs["target"]] - source_um, 9) + 0.0
    return pairs
