"""What alignment leaves without pixels: filled from the recorded plane, and cut off."""

from __future__ import annotations

import numpy as np
import pytest

from deepz_zoo.preprocess.align.borders import covered_window, fill_borders


def moved(y_px: float, x_px: float) -> np.ndarray:
    """Return what takes an aligned pixel (x, y, 1) to the recorded one."""
    return np.array([[1, 0, x_px], [0, 1, y_px], [0, 0, 1.0]])


def test_a_moved_plane_goes_on_with_its_outermost_pixels() -> None:
    recorded = np.arange(30, dtype=np.uint16).reshape(1, 5, 6) + 100
    aligned = np.zeros_like(recorded)
    aligned[0, :-1, 2:] = recorded[0, 1:, :-2]  # up by 1, right by 2
    filled, covered = fill_borders(aligned, recorded, moved(1, -2)[None])
    expected = np.pad(recorded[0], ((0, 1), (2, 0)), mode="edge")[1:, :6]
    np.testing.assert_array_equal(filled[0], expected)
    np.testing.assert_array_equal(covered, aligned[0] > 0)
    assert aligned[0, 0, 0] == 0, "the argument is left as it was"


def test_covered_is_what_every_plane_has() -> None:
    stack = np.ones((3, 6, 7), np.uint8)
    _, covered = fill_borders(stack, stack, np.array([moved(-2, 0), moved(0, 0), moved(0, 3)]))
    expected = np.zeros((6, 7), dtype=bool)
    expected[2:, :4] = True
    np.testing.assert_array_equal(covered, expected)


def test_a_turned_plane_leaves_corners() -> None:
    angle = np.deg2rad(10)
    turn = np.array([[np.cos(angle), -np.sin(angle), 0], [np.sin(angle), np.cos(angle), 0]])
    center = np.array([9.5, 9.5])
    matrix = np.eye(3)
    matrix[:2, :2], matrix[:2, 2] = turn[:, :2], center - turn[:, :2] @ center
    stack = np.full((1, 20, 20), 7, np.uint8)
    filled, covered = fill_borders(np.where(np.eye(20) > 0, 7, 0)[None], stack, matrix[None])
    corners = covered[[0, 0, -1, -1], [0, -1, 0, -1]]
    assert not corners.any()
    assert covered[4:-4, 4:-4].all()
    assert (filled[0][~covered] == 7).all()
    rows, columns = covered_window(covered, 4)
    assert covered[rows, columns].all()
    assert rows.stop - rows.start >= 14


@pytest.mark.parametrize(
    ("min_px", "expected"),
    [(4, (slice(2, 10), slice(0, 9))), (9, (slice(1, 10), slice(0, 9)))],
)
def test_the_window_keeps_as_many_rows_as_a_region_needs(min_px: int, expected) -> None:
    covered = np.zeros((10, 12), dtype=bool)
    covered[2:, :9] = True
    assert covered_window(covered, min_px) == expected


def test_nothing_is_cut_where_nothing_is_missing() -> None:
    assert covered_window(np.ones((5, 6), dtype=bool), 1) == (slice(0, 5), slice(0, 6))
