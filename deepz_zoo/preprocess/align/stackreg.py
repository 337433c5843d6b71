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

MAX_STEP_PX = 5.0
"""Largest step of a stage between neighboring planes; a larger one is a failed registration."""
MIN_CORRELATION = 0.3
"""Smallest correlation of aligned neighboring planes; with less, there is nothing to align by."""

_MIN_SIDE_PX = 16  # TurboReg's image pyramid
_SMOOTHING_PX = 1.0  # to compare planes by their structures, not by their noise


@dataclass(frozen=True, eq=False)
class Alignment:
    """A stack whose planes are aligned to its middle plane.

    Attributes
    ----------
    stack
        Aligned planes, shape (nz, ny, nx), in the type of the input. Pixels that a plane does not
        cover are 0, as in StackReg.
    matrices
        For each plane the matrix from a pixel (x, y, 1) of the aligned plane to the acquired one,
        shape (nz, 3, 3).
    rejected
        Planes whose registration to their neighbor was rejected; they move with that neighbor.
    """

    stack: NDArray[Any]
    matrices: NDArray[np.float64]
    rejected: tuple[int, ...]

    @property
    def shifts_px(self) -> NDArray[np.float64]:
        """(y, x) by which the center of each acquired plane is moved, shape (nz, 2)."""
        ny, nx = self.stack.shape[1:]
        center = np.array([(nx - 1) / 2, (ny - 1) / 2, 1.0])
        acquired = self.matrices[:, :2] @ center
        moved: NDArray[np.float64] = center[:2] - acquired
        return moved[:, ::-1]

    @property
    def angles_deg(self) -> NDArray[np.float64]:
        """Rotation from each aligned plane to the acquired one, from x toward y, shape (nz,)."""
        return np.rad2deg(np.arctan2(self.matrices[:, 1, 0], self.matrices[:, 0, 0]))


def align_stack(
    stack: NDArray[Any],
    *,
    max_step_px: float = MAX_STEP_PX,
    min_correlation: float = MIN_CORRELATION,
) -> Alignment:
    """Align the planes of a stack by rigid-body transformations, from the middle plane outward.

    Each plane is registered to its neighbor toward the middle plane, and the steps add up, as in
    the plugin with the middle slice as the current one. If no step is rejected, images of integers
    are those that the plugin writes.

    Planes far from focus have too little structure to be registered, and one wrong step would
    displace all planes beyond it. A step is therefore rejected, and its plane moved with its
    neighbor, if it moves some corner of the image by more than `max_step_px`, or if afterwards the
    correlation of the two planes is below `min_correlation` or lower than before.

    Parameters
    ----------
    stack
        Shape (nz, ny, nx), of integers or floating-point numbers.
    max_step_px
        Largest step between neighbors.
    min_correlation
        Smallest correlation of neighbors.

    Raises
    ------
    DeepZError
        If the array is not a stack, its planes are smaller than 16 px, or a value is NaN or
        infinite.
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
            if not _plausible(planes[neighbor], planes[index], step, max_step_px, min_correlation):
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
        raise DeepZError(f"planes of {stack.dtype}; expected integers or floating-point numbers")
    if min(stack.shape[1:]) < _MIN_SIDE_PX:
        raise DeepZError(
            f"planes of {stack.shape[1]} × {stack.shape[2]} px; alignment needs "
            f"{_MIN_SIDE_PX} px or more: set `align` to none"
        )
    if stack.dtype.kind == "f" and not np.isfinite(stack).all():
        raise DeepZError("the stack holds NaN or infinity; replace them before alignment")


def _register(reference: NDArray[np.float64], plane: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the matrix from pixels of the reference to those of the plane, shape (3, 3)."""
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
    max_step_px: float,
    min_correlation: float,
) -> bool:
    """Tell whether a step is one of a stage, and makes the planes more alike."""
    if not np.isfinite(step).all() or _max_shift_px(step, plane.shape) > max_step_px:
        return False
    before = _correlation(reference, plane)
    after = _correlation(reference, _move(plane, step))
    return after >= max(min_correlation, before - 1e-3)


def _max_shift_px(step: NDArray[np.float64], shape: tuple[int, ...]) -> float:
    """Return the largest shift of a corner of an image."""
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
    """Return planes in a type; integers are rounded as in the plugin, halves upward."""
    if dtype.kind not in "iu":
        return planes.astype(dtype)
    limits = np.iinfo(dtype)
    return np.clip(np.floor(planes + 0.5), limits.min, limits.max).astype(dtype)
