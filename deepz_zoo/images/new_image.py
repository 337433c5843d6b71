"""What an image that is written will be like, and what takes its pixels."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol, runtime_checkable

import numpy as np

from deepz_zoo.images.image import Calibration
from deepz_zoo.images.stored import Array

_FLOAT32 = np.dtype(np.float32)
_UNCALIBRATED = Calibration()


@dataclass(frozen=True)
class NewImage:
    """An image that is going to be written: all but its pixels.

    Attributes
    ----------
    shape, axes
        Shape of the whole image and its axes, a subset of ``tzcyx`` in an order of this kind.
    dtype
        Type of the pixels; one that a format does not have becomes float32.
    calibration
        What is known of sampling, positions, channels and time.
    description
        Free text, shown as the image's description (OME) or info (ImageJ).
    """

    shape: tuple[int, ...]
    axes: str
    dtype: np.dtype[Any] = _FLOAT32
    calibration: Calibration = _UNCALIBRATED
    description: str = ""

    def __post_init__(self) -> None:
        """Check that every format can tell the axes."""
        if len(self.axes) != len(self.shape) or list(self.axes) != [
            name for name in "tzcyx" if name in self.axes
        ]:
            raise ValueError(
                f"axes {self.axes!r} of shape {self.shape}: expected a subset of 'tzcyx'"
            )


class PlaneWriter(Protocol):
    """Takes the pixels of a new image, in any order, each of them once."""

    def __call__(self, rows: Array, plane: int, first_row: int = 0) -> None:
        """Write a plane, or some of its rows.

        Parameters
        ----------
        rows
            Whole rows, shape (rows, nx), of any type; they are written in that of the file.
        plane
            Number of the plane, from 0, in the order of the axes before y and x, the last fastest.
        first_row
            Where the rows begin, for a plane that does not come as a whole.
        """


@runtime_checkable
class SharedWriter(PlaneWriter, Protocol):
    """A writer whose copies, in other processes, write into the same image."""

    def count(self, rows: int) -> None:
        """Hear of rows that a copy wrote."""
