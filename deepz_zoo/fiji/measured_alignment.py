"""The movements of planes, measured from a stack before and after its alignment."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import (
    binary_erosion,
    gaussian_gradient_magnitude,
    map_coordinates,
    spline_filter,
)

from deepz_zoo.preprocess.align.stackreg import Alignment

_MAX_ITERATIONS = 30
_STEP_PX = 0.05  # of the numerical derivative
_MAX_BORDER_PX = 8  # where splines depend on what they assume outside of the plane
_MAX_POINTS = 20_000
_ROUNDING = 0.1  # a mean square that rounding to integers explains; it makes 1/12
_RELATIVE = 1e-9  # the same of planes that are not rounded, of their variance

Plane = NDArray[np.float64]
Matrix = NDArray[np.float64]
Residual = Callable[[Matrix], NDArray[np.float64]]


def measure_alignment(recorded: NDArray[Any], aligned: NDArray[Any]) -> Alignment:
    """Return an alignment whose result is known, with its movements measured from that.

    StackReg does not report how it moved the planes. But each aligned plane is the recorded one,
    moved by a rigid body, so that a movement can be checked: the right one reproduces the aligned
    plane. The movement of the neighboring plane, and those that registration suggests, are refined
    until one does. (Registration alone may be wrong by many px where a plane holds a few beads and
    noise.)

    Parameters
    ----------
    recorded, aligned
        The stack before and after, shape (nz, ny, nx).
    """
    before, after = recorded.astype(float), aligned.astype(float)
    rounded = aligned.dtype.kind in "iu"
    matrices = np.tile(np.eye(3), (len(recorded), 1, 1))
    unmoved = [z for z in range(len(recorded)) if np.array_equal(before[z], after[z])]
    middle = len(recorded) // 2
    anchor = min(unmoved, key=lambda z: abs(z - middle), default=middle)
    for planes in (range(anchor, len(recorded)), range(anchor - 1, -1, -1)):
        neighbor = np.eye(3)
        for z in planes:
            if z not in unmoved:
                neighbor = matrices[z] = _measure(before[z], after[z], neighbor, rounded)
    return Alignment(aligned, matrices, ())


def _measure(before: Plane, after: Plane, neighbor: Matrix, rounded: bool) -> Matrix:
    """Return what takes a pixel (x, y, 1) of the plane after to the one before, shape (3, 3)."""
    points = _points(after)
    if not points.size:
        return np.eye(3)
    expected = after[points[1], points[0]]
    spline = spline_filter(before, mode="mirror")

    def residual(matrix: Matrix) -> NDArray[np.float64]:
        x, y, _ = matrix @ points
        difference: NDArray[np.float64] = expected - map_coordinates(
            spline, (y, x), mode="mirror", prefilter=False
        )
        return difference

    exact = _ROUNDING if rounded else _RELATIVE * float(expected.var())
    best, smallest = np.eye(3), np.inf
    for start in _starts(before, after, neighbor):
        matrix, error = _refine(residual, start, before.shape)
        if error < smallest:
            best, smallest = matrix, error
        if smallest <= exact:
            break
    return best


def _points(after: Plane) -> NDArray[np.intp]:
    """Return (x, y, 1) of the pixels that show a movement best, away from what is outside."""
    inside = binary_erosion(after != 0, iterations=min(_MAX_BORDER_PX, min(after.shape) // 8))
    y, x = np.nonzero(inside)
    contrast = gaussian_gradient_magnitude(after, 1)[y, x]
    chosen = np.argsort(-contrast, kind="stable")[:_MAX_POINTS]
    return np.stack([x[chosen], y[chosen], np.ones(len(chosen), dtype=np.intp)])


def _starts(before: Plane, after: Plane, neighbor: Matrix) -> Iterator[Matrix]:
    """Yield movements to refine, the costly ones last."""
    from pystackreg import StackReg
    from skimage.registration import phase_cross_correlation

    yield neighbor
    shift, _, _ = phase_cross_correlation(after, before, normalization=None)
    shifted = _rigid(before.shape, -shift[1], -shift[0], 0.0)
    yield shifted
    stackreg = StackReg(StackReg.RIGID_BODY)
    for start in (neighbor, shifted, np.eye(3)):
        yield start @ stackreg.register(after, stackreg.transform(before, start))


def _refine(residual: Residual, matrix: Matrix, shape: tuple[int, ...]) -> tuple[Matrix, float]:
    """Return the matrix of the smallest residual near another, and its mean square.

    This is the Gauss-Newton method, with a rigid movement as the unknown.
    """
    steps = [_rigid(shape, *step) for step in _STEP_PX * np.eye(3)]
    here = residual(matrix)
    for _ in range(_MAX_ITERATIONS):
        slopes = np.stack([(here - residual(matrix @ step)) / _STEP_PX for step in steps], axis=1)
        change, *_ = np.linalg.lstsq(slopes, here, rcond=None)
        better = matrix @ _rigid(shape, *change)
        there = residual(better)
        if np.square(there).sum() >= np.square(here).sum():
            break
        matrix, here = better, there
    return matrix, float(np.square(here).mean())


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
