"""Tell whether two stacks show one field of view, whatever their type, scale and noise.

A stack is reduced to a few small images: sums of planes over parts of its range, less their mean,
which takes away what the camera and the illumination add to every plane, and without slow changes
across the field. All of that is linear, so a copy in other units has the same images, and a copy
with other noise has the same images with noise that is independent from pixel to pixel.

Such noise has no part in products of *neighboring* pixels. A correlation made of these products is
therefore 1 for a stack and its noise-free twin, however noisy the stack is. It is less for any two
specimens, even for single beads in the middle of their fields, unless these lie within a fraction
of a pixel.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

_SIDE_PX = 256
_PARTS = 4
_SMOOTHING_FRACTION = 0.25
_MIN_CORRELATION = 0.99
# Of the correlation; noise without a specimen may correlate with anything.
_MAX_STANDARD_ERROR = 0.03


@dataclass(frozen=True, eq=False)
class Fingerprint:
    """What is kept of a stack to compare it with others, at most 1 MB.

    Attributes
    ----------
    values
        SHA-256 of the values of the pixels, which does not depend on their type.
    shape
        (planes, rows, columns) of the stack.
    images
        Shape (parts, rows, columns), float32.
    structure, error
        Mean product of neighboring pixels of `images`, and its standard error from noise.
    """

    values: str
    shape: tuple[int, ...]
    images: NDArray[np.float32]
    structure: float
    error: float


def fingerprint(stack: NDArray[Any]) -> Fingerprint:
    """Reduce a stack of shape (nz, ny, nx) to what `Duplicates` compares."""
    from scipy.ndimage import uniform_filter

    digest = hashlib.sha256()
    for plane in stack:
        digest.update(np.ascontiguousarray(plane, dtype=np.float32) + np.float32(0))  # -0 is 0
    ny, nx = stack.shape[1:]
    block = -(-max(ny, nx) // _SIDE_PX)
    rows, columns = (max(1, length // block) for length in (ny, nx))
    kept = np.s_[: rows * block, : columns * block]
    images = np.empty((_PARTS, rows, columns))
    for part, planes in enumerate(np.array_split(stack, _PARTS)):
        mean = planes.mean(axis=0, dtype=np.float64)[kept]
        images[part] = mean.reshape(rows, -1, columns, mean.shape[1] // columns).mean(axis=(1, 3))
    images -= images.mean(axis=0)
    window = [max(3, round(_SMOOTHING_FRACTION * side)) for side in (rows, columns)]
    images -= uniform_filter(images, (0, *window))
    largest = float(np.abs(images).max())
    small = (images / largest if largest > 0 else images).astype(np.float32)
    return Fingerprint(
        values=digest.hexdigest(),
        shape=stack.shape,
        images=small,
        structure=_neighbor_product(small, small),
        error=float(np.mean(small**2)) / np.sqrt(small.size),
    )


def same_field_of_view(one: Fingerprint, other: Fingerprint) -> bool:
    """Tell whether two stacks of one shape have the same values or the same specimen."""
    if one.shape != other.shape:
        return False
    if one.values == other.values:
        return True
    scale = one.structure * other.structure
    if min(one.structure, other.structure) <= 0:
        return False
    if one.error * other.error > _MAX_STANDARD_ERROR**2 * scale:
        return False
    return bool(_neighbor_product(one.images, other.images) >= _MIN_CORRELATION * np.sqrt(scale))


def _neighbor_product(a: NDArray[np.float32], b: NDArray[np.float32]) -> float:
    """Return the mean of ``a[i] * b[j]`` over all pairs of neighbors i and j, both ways."""
    pairs = (
        (a[:, 1:], b[:, :-1]),
        (a[:, :-1], b[:, 1:]),
        (a[:, :, 1:], b[:, :, :-1]),
        (a[:, :, :-1], b[:, :, 1:]),
    )
    return float(np.mean([np.mean(x * y, dtype=np.float64) if x.size else 0.0 for x, y in pairs]))


@dataclass(frozen=True)
class Likeness:
    """An earlier stack that shows the same field of view.

    Attributes
    ----------
    index
        The number of the earlier stack.
    same_values
        Whether it has the same values, not only the same specimen.
    """

    index: int
    same_values: bool


class Duplicates:
    """The fields of view seen so far, by their numbers."""

    def __init__(self) -> None:
        self._seen: dict[int, Fingerprint] = {}

    def find(self, index: int, stack: NDArray[Any]) -> Likeness | None:
        """Return the first stack that shows the same field of view as this one, and keep this one.

        Parameters
        ----------
        index
            The number of the stack.
        stack
            Shape (nz, ny, nx).
        """
        new = fingerprint(stack)
        alike = [
            Likeness(earlier, old.values == new.values)
            for earlier, old in self._seen.items()
            if same_field_of_view(old, new)
        ]
        self._seen[index] = new
        return next((found for found in alike if found.same_values), alike[0] if alike else None)
