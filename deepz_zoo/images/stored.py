"""Pixels that stay in their file until a plane is asked for."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

Array = np.ndarray[Any, Any]
Index = tuple[int, ...]
"""Place of a plane along the axes before y and x; ``()`` where there are none."""


@dataclass(frozen=True, eq=False)
class StoredPixels:
    """The pixels of an open image; as much of an array as is needed to choose planes.

    Attributes
    ----------
    shape
        Of the whole image, with y and x last.
    dtype
        Type of the pixels.
    read
        Returns the plane (y, x) at an index of the other axes. It may be slow, and it raises
        `DeepZError` where the file is damaged.
    """

    shape: tuple[int, ...]
    dtype: np.dtype[Any]
    read: Callable[[Index], Array]

    @classmethod
    def in_memory(cls, data: Array) -> StoredPixels:
        """Return an array as if it were stored."""
        return cls(data.shape, data.dtype, data.__getitem__)

    @property
    def ndim(self) -> int:
        """Number of axes."""
        return len(self.shape)

    @property
    def size(self) -> int:
        """Number of pixels."""
        return math.prod(self.shape)

    @property
    def nbytes(self) -> int:
        """Bytes of memory that the whole image would take."""
        return self.size * self.dtype.itemsize

    def __getitem__(self, index: Index) -> Array:
        """Read the plane at an index."""
        return self.read(index)

    def take(self, index: int, axis: int) -> StoredPixels:
        """Return the pixels at one place of an axis, without that axis; nothing is read.

        Parameters
        ----------
        index
            From 0.
        axis
            One before y and x.
        """

        def read(rest: Index) -> Array:
            return self.read((*rest[:axis], index, *rest[axis:]))

        return StoredPixels((*self.shape[:axis], *self.shape[axis + 1 :]), self.dtype, read)

    def load(self) -> Array:
        """Read all planes."""
        data = np.empty(self.shape, self.dtype)
        for index in np.ndindex(*self.shape[:-2]):
            data[index] = self.read(index)
        return data


def y_and_x_last(data: Array, axes: str) -> tuple[Array, str]:
    """Move the axes y and x of an array to the end; the others keep their order."""
    order = [i for i, name in enumerate(axes) if name not in "yx"]
    order += [axes.index("y"), axes.index("x")]
    return data.transpose(order), "".join(axes[i] for i in order)
