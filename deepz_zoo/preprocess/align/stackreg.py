"""Axial alignment of a stack by StackReg, the paper's first step.

"Each captured image stack was first axially aligned using an ImageJ plugin named "StackReg", which
corrects the rigid shift and rotation caused by the microscope stage inaccuracy" (Methods, "Image
pre-processing and training data preparation").
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter

from deepz_zoo.errors import DeepZError

LARGEST_STEP_PX = 5.0
"""A stage does not move further between neighboring planes; a registration that says so jumped."""
LEAST_CORRELATION = 0.3
"""Neighboring planes that correlate less, once aligned, have nothing in common to align."""

_SMALLEST_SIDE_PX = 16  # TurboReg's image pyramid
_SMOOTHING_PX = 1.0  # so that planes are compared by their structures rather than by their noise


@dataclass(frozen=True, eq=False)
class Alignment:
    """A stack whose planes were moved onto its middle one.

    Attributes
    ----------
    stack
        Aligned planes, shape (nz, ny, nx), in the type of the input. Pixels that a plane does not
        have are 0, as StackReg leaves them.
    matrices
        For each plane what takes a pixel (x, y, 1) of the aligned plane to the recorded one, shape
        (nz, 3, 3).
    rejected
        Planes whose registration to their neighbor jumped; they moved with that neighbor.
    """

    stack: NDArray[Any]
    matrices: NDArray[np.float64]
    rejected: tuple[int, ...]

    @property
    def shifts_px(self) -> NDArray[np.float64]:
        """(y, x) by which the content of each recorded plane's centre moved, shape (nz, 2)."""
        ny, nx = self.stack.shape[1:]
        center = np.array([(nx - 1) / 2, (ny - 1) / 2, 1.0])
        recorded = self.matrices[:, :2] @ center
        moved: NDArray[np.float64] = center[:2] - recorded
        return moved[:, ::-1]

    @property
    def angles_deg(self) -> NDArray[np.float64]:
        """Rotation from each aligned plane to the recorded one, from x toward y, shape (nz,)."""
        return np.rad2deg(np.arctan2(self.matrices[:, 1, 0], self.matrices[:, 0, 0]))


def align_stack(
    stack: NDArray[Any],
    *,
    largest_step_px: float = LARGEST_STEP_PX,
    least_correlation: float = LEAST_CORRELATION,
) -> Alignment:
    """Align the planes of a stack by rigid body, from the middle one outward.

    Each plane is registered to its neighbor on the side of the middle plane, and the steps add up,
    as in the plugin with the middle slice as the current one. Where no step is rejected, images of
    whole numbers come out as the plugin writes them.

    Planes far from focus hold too little to be registered, and one wrong step would carry all
    planes beyond it away. A step is therefore rejected, and its plane moved as its neighbor, where
    some corner of the image would move by more than `largest_step_px`, or where the two planes do
    not correlate by at least `least_correlation` afterwards, or less than before.

    Parameters
    ----------
    stack
        Shape (nz, ny, nx), of whole or floating-point numbers.
    largest_step_px
        Largest step between neighbors.
    least_correlation
        Smallest correlation of neighbors.

    Raises
    ------
    DeepZError
        If this is no stack, its planes are smaller than 16 px, or a value is NaN or infinite.
    """
    _check(stack)
    planes = stack.astype(np.float64)
    matrices = np.tile(np.eye(3), (len(stack), 1, 1))
    rejected: list[int] = []
    middle = len(stack) // 2
    for direction, last in ((1, len(stack) - 1), (-1, 0)):
        for index in range(middle + direction, last + direction, direction):
            neighbor = index - direction
            step = _register(planes[neighbor], planes[index])
            if not _plausible(
                planes[neighbor], planes[index], step, largest_step_px, least_correlation
            ):
                rejected.append(index)
                step = np.eye(3)
            matrices[index] = step @ matrices[neighbor]
    aligned = [
        plane if index == middle else _move(plane, matrix)
        for index, (plane, matrix) in enumerate(zip(planes, matrices, strict=True))
    ]
    return Alignment(_as_type(np.stack(aligned), stack.dtype), matrices, tuple(sorted(rejected)))


def _check(stack: NDArray[Any]) -> None:
    if stack.ndim != 3 or not len(stack):
        raise DeepZError(f"an array of shape {stack.shape}; expected a stack (z, y, x) to align")
    if stack.dtype.kind not in "iuf":
        raise DeepZError(f"planes of {stack.dtype}; expected whole or floating-point numbers")
    if min(stack.shape[1:]) < _SMALLEST_SIDE_PX:
        raise DeepZError(
            f"planes of {stack.shape[1]} × {stack.shape[2]} px; alignment needs "
            f"{_SMALLEST_SIDE_PX} px or more: prepare without it"
        )
    if stack.dtype.kind == "f" and not np.isfinite(stack).all():
        raise DeepZError("the stack holds NaN or infinity; replace them before it is aligned")


def _register(reference: NDArray[np.float64], plane: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return what takes pixels of the reference to those of the plane, shape (3, 3)."""
    from pystackreg import StackReg

    matrix: NDArray[np.float64] = StackReg(StackReg.RIGID_BODY).register(reference, plane)
    return matrix


def _move(plane: NDArray[np.float64], matrix: NDArray[np.float64]) -> NDArray[np.float64]:
    from pystackreg import StackReg

    moved: NDArray[np.float64] = StackReg(StackReg.RIGID_BODY).transform(plane, matrix)
    return moved


def _plausible(
    reference: NDArray[np.float64],
    plane: NDArray[np.float64],
    step: NDArray[np.float64],
    largest_step_px: float,
    least_correlation: float,
) -> bool:
    """Tell whether a step is one that a stage makes and that brings the planes together."""
    if not np.isfinite(step).all() or _reach(step, plane.shape) > largest_step_px:
        return False
    before = _correlation(reference, plane)
    after = _correlation(reference, _move(plane, step))
    return after >= max(least_correlation, before - 1e-3)


def _reach(step: NDArray[np.float64], shape: tuple[int, ...]) -> float:
    """Return how far the corner of an image moves that moves most."""
    bottom, right = shape[0] - 1, shape[1] - 1
    corners = np.array([[0, 0, 1], [right, 0, 1], [0, bottom, 1], [right, bottom, 1]], dtype=float)
    moved = corners @ step[:2].T
    return float(np.linalg.norm(moved - corners[:, :2], axis=1).max())


def _correlation(first: NDArray[np.float64], second: NDArray[np.float64]) -> float:
    """Return the correlation of two planes away from their borders, 0 where one is flat."""
    inside = tuple(slice(size // 8, size - size // 8) for size in first.shape)
    a, b = (gaussian_filter(plane, _SMOOTHING_PX)[inside] for plane in (first, second))
    a, b = a - a.mean(), b - b.mean()
    norm = float(np.sqrt(np.square(a).sum() * np.square(b).sum()))
    return float((a * b).sum()) / norm if norm > 0 else 0.0


def _as_type(planes: NDArray[np.float64], dtype: np.dtype[Any]) -> NDArray[Any]:
    """Return whole numbers where there were some, rounded as the plugin rounds: halves upward."""
    if dtype.kind not in "iu":
        return planes.astype(dtype)
    limits = np.iinfo(dtype)
    return np.clip(np.floor(planes + 0.5), limits.min, limits.max).astype(dtype)
