"""Which planes of a region go in, and which come out: pairs with their distance."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

PAIR_DTYPE = np.dtype(
    [("region", "<i4"), ("source", "<i2"), ("target", "<i2"), ("distance_um", "<f8")]
)
"""A pair: index of its region, planes of the region, and stage position of target less source."""


def contrast_curve(stack: NDArray[Any]) -> NDArray[np.float64]:
    """Return the standard deviation of every plane of a stack (nz, ny, nx), shape (nz,)."""
    return np.array([plane.std(dtype=np.float64) for plane in stack])


def middle_plane(contrast: Sequence[float] | NDArray[Any]) -> int:
    """Return the plane of highest contrast.

    "The middle plane for each region was set to be the one with the highest standard deviation"
    (Methods, "Image pre-processing and training data preparation").
    """
    return int(np.argmax(contrast))


def plane_range(middle: int, each_side: int, planes: int) -> tuple[range, bool]:
    """Return the planes around a middle one, and whether the stack cuts them short.

    "Then 20 planes above and 20 planes below this middle plane were set to be the range of the
    stack."

    Parameters
    ----------
    middle
        Index of the middle plane; outside the stack where a surface in focus lies there.
    each_side
        Planes above and below it.
    planes
        Planes of the stack.
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
    """Draw the targets of every plane of a region.

    "An input image plane was generated from each one of these 41 planes. Depending on the size of
    the data set, around 5-10 out of these 41 planes were randomly selected as the corresponding
    target plane …. For each one of these image pairs, the refocusing distance was determined based
    on the location of the plane (i.e. 0.5 µm times the difference from the input plane to the
    target plane)."

    Planes are drawn without repetition and whatever their distance, the input itself among them,
    as these sentences say; so distances reach from one end of the range to the other.

    Parameters
    ----------
    region
        Index of the region.
    z_um, target_z_um
        Positions of the planes that go in, and of those that may come out.
    targets
        Targets of each plane; all of them where there are fewer.

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
