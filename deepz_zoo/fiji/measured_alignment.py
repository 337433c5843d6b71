"""The movements of planes, measured from a stack before and after its alignment."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import binary_erosion

from deepz_zoo.preprocess.align.stackreg import Alignment

_ITERATIONS = 8
_STEP_PX = 0.05  # of the numerical derivative
_BORDER_PX = 3  # where the spline of a moved plane feels the zeros outside

Matrix = NDArray[np.float64]


def measure_alignment(recorded: NDArray[Any], aligned: NDArray[Any]) -> Alignment:
    """Return an alignment whose result is known, with its movements measured from that.

    StackReg does not report how it moved the planes. But each aligned plane is the recorded one,
    moved by a rigid body, so that a movement can be checked: the right one reproduces the aligned
    plane. Of the movements that registration suggests, and that of the neighboring plane, the one
    with the smallest residual is taken and refined. (Registration alone may be wrong by many px
    where a plane holds a few beads and noise.)

    Parameters
    ----------
    recorded, aligned
        The stack before and after, shape (nz, ny, nx).
    """
    before, after = recorded.astype(float), aligned.astype(float)
    matrices = np.tile(np.eye(3), (len(recorded), 1, 1))
    unmoved = [z for z in range(len(recorded)) if np.array_equal(before[z], after[z])]
    middle = len(recorded) // 2
    anchor = min(unmoved, key=lambda z: abs(z - middle), default=middle)
    for direction, last in ((1, len(recorded) - 1), (-1, 0)):
        neighbor = np.eye(3)
        for z in range(anchor + direction, last + direction, direction):
            if z not in unmoved:
                neighbor = matrices[z] = _measure(before[z], after[z], neighbor)
    return Alignment(aligned, matrices, ())


def _measure(before: Matrix, after: Matrix, neighbor: Matrix) -> Matrix:
    """Return what takes a pixel (x, y, 1) of the plane after to the one before, shape (3, 3)."""
    inside = binary_erosion(after != 0, iterations=_BORDER_PX)
    if not inside.any():
        return np.eye(3)

    def residual(matrix: Matrix) -> Matrix:
        difference: Matrix = (after - _move(before, matrix))[inside]
        return difference

    best = min(
        _candidates(before, after, neighbor), key=lambda m: float(np.square(residual(m)).sum())
    )
    return _refine(residual, best, before.shape)


def _candidates(before: Matrix, after: Matrix, neighbor: Matrix) -> Iterator[Matrix]:
    from pystackreg import StackReg
    from skimage.registration import phase_cross_correlation

    yield np.eye(3)
    shift, _, _ = phase_cross_correlation(after, before, normalization=None)
    starts = [np.eye(3), neighbor, _rigid(before.shape, -shift[1], -shift[0], 0.0)]
    for start in starts:
        yield start
        moved = _move(before, start)
        yield start @ StackReg(StackReg.RIGID_BODY).register(after, moved)


def _refine(residual: Callable[[Matrix], Matrix], matrix: Matrix, shape: tuple[int, ...]) -> Matrix:
    """Return the matrix of the smallest residual near another, by the Gauss-Newton method."""
    steps = [_rigid(shape, *step) for step in _STEP_PX * np.eye(3)]
    here = residual(matrix)
    for _ in range(_ITERATIONS):
        slopes = np.stack([(here - residual(matrix @ step)) / _STEP_PX for step in steps], axis=1)
        change, *_ = np.linalg.lstsq(slopes, here, rcond=None)
        better = matrix @ _rigid(shape, *change)
        there = residual(better)
        if np.square(there).sum() >= np.square(here).sum():
            break
        matrix, here = better, there
    return matrix


def _rigid(shape: tuple[int, ...], x_px: float, y_px: float, corner_px: float) -> Matrix:
    """Return a rigid movement about the center; by the rotation a corner moves by `corner_px`."""
    y, x = ((size - 1) / 2 for size in shape)
    angle = corner_px / np.hypot(x, y)
    cosine, sine = np.cos(angle), np.sin(angle)
    return np.array(
        [
            [cosine, -sine, x - cosine * x + sine * y + x_px],
            [sine, cosine, y - sine * x - cosine * y + y_px],
            [0.0, 0.0, 1.0],
        ]
    )


def _move(plane: Matrix, matrix: Matrix) -> Matrix:
    from pystackreg import StackReg

    moved: Matrix = StackReg(StackReg.RIGID_BODY).transform(plane, matrix)
    return moved
