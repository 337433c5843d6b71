"""Alignment, against StackReg as pystackreg runs it and against shifts that are known."""

from __future__ import annotations

import numpy as np
import pytest
from pystackreg import StackReg
from scipy.ndimage import gaussian_filter, shift

from deepz_zoo.errors import DeepZError
from deepz_zoo.preprocess.align.stackreg import align_stack


def structure(seed: int = 0, side: int = 72) -> np.ndarray:
    """Return an image with much to hold on to, of grey levels from 100 to 1100."""
    image = gaussian_filter(np.random.default_rng(seed).random((side, side)), 3, mode="wrap")
    return 100 + 1000 * (image - image.min()) / np.ptp(image)


def drifting_stack(drift_px: np.ndarray) -> np.ndarray:
    """Return the same image in each plane, moved by (y, x), as uint16."""
    planes = [shift(structure(), moved, order=3, mode="grid-wrap") for moved in drift_px]
    return np.rint(planes).astype(np.uint16)


DRIFT_PX = np.array([(-1.5, 2.0), (-1.0, 1.0), (0.5, 0.5), (0.0, 0.0), (0.7, -0.9), (1.2, -1.6)])


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_whole_numbers_come_out_as_stackreg_writes_them(dtype) -> None:
    """Anchored at the middle plane: 'previous' from it upward, and downward in reverse."""
    stack = np.clip(drifting_stack(DRIFT_PX), 0, np.iinfo(dtype).max).astype(dtype)
    anchor = len(stack) // 2
    oracle = StackReg(StackReg.RIGID_BODY)

    def chain(part):
        return oracle.register_transform_stack(part.astype(float), reference="previous")

    up, down = chain(stack[anchor:]), chain(stack[: anchor + 1][::-1])[::-1]
    expected = np.clip(np.floor(np.concatenate([down[:-1], up]) + 0.5), 0, np.iinfo(dtype).max)
    aligned = align_stack(stack)
    assert aligned.stack.dtype == dtype
    assert aligned.rejected == ()
    np.testing.assert_array_equal(aligned.stack, expected.astype(dtype))


def test_drift_is_found_and_the_middle_plane_stays() -> None:
    stack = drifting_stack(DRIFT_PX)
    aligned = align_stack(stack)
    np.testing.assert_allclose(aligned.shifts_px, -DRIFT_PX, atol=0.1)
    np.testing.assert_allclose(aligned.angles_deg, 0, atol=0.2)
    np.testing.assert_array_equal(aligned.stack[3], stack[3])
    inside = np.s_[:, 8:-8, 8:-8]
    np.testing.assert_allclose(aligned.stack[inside], [stack[3][8:-8, 8:-8]] * 6, atol=25)


def test_the_matrices_take_aligned_pixels_to_recorded_ones() -> None:
    stack = drifting_stack(DRIFT_PX)
    aligned = align_stack(stack)
    x, y, _ = aligned.matrices[0] @ (36, 36, 1)
    np.testing.assert_allclose((y - 36, x - 36), DRIFT_PX[0], atol=0.15)


def test_planes_without_structure_are_rejected_and_move_with_their_neighbor() -> None:
    stack = drifting_stack(DRIFT_PX)
    noise = np.random.default_rng(1).normal(100, 5, stack.shape).round().astype(np.uint16)
    stack[4:] = noise[4:]
    aligned = align_stack(stack)
    assert aligned.rejected == (4, 5)
    np.testing.assert_array_equal(aligned.matrices[4:], [np.eye(3)] * 2)
    np.testing.assert_allclose(aligned.shifts_px[:3], -DRIFT_PX[:3], atol=0.1)


def test_a_jump_is_rejected_though_the_planes_look_alike() -> None:
    jump = DRIFT_PX.copy()
    jump[5] += (9, 0)
    aligned = align_stack(drifting_stack(jump))
    assert aligned.rejected == (5,)
    np.testing.assert_array_equal(aligned.matrices[5], aligned.matrices[4])
    assert align_stack(drifting_stack(jump), max_step_px=12).rejected == ()


def test_flat_planes_stay_where_they_are() -> None:
    stack = np.full((3, 32, 32), 7, np.uint16)
    aligned = align_stack(stack)
    assert aligned.rejected == (0, 2)
    np.testing.assert_array_equal(aligned.stack, stack)


def test_fractions_stay_fractions() -> None:
    stack = drifting_stack(DRIFT_PX).astype(np.float32) / 1000
    aligned = align_stack(stack)
    assert aligned.stack.dtype == np.float32
    assert np.any(aligned.stack[0] * 1000 != np.rint(aligned.stack[0] * 1000))


@pytest.mark.parametrize(
    ("stack", "message"),
    [
        (np.zeros((64, 64)), "expected a stack"),
        (np.zeros((0, 64, 64)), "expected a stack"),
        (np.zeros((3, 64, 64), bool), "planes of bool"),
        (np.zeros((3, 8, 64)), "8 × 64 px; alignment needs 16"),
        (np.full((3, 32, 32), np.nan), "NaN or infinity"),
    ],
)
def test_what_cannot_be_aligned(stack, message) -> None:
    with pytest.raises(DeepZError, match=message):
        align_stack(stack)
