"""Lateral registration: known transformations are found again."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter
from skimage.transform import ProjectiveTransform, SimilarityTransform, warp

from deepz_zoo.errors import DeepZError
from deepz_zoo.preprocess.align.registration import (
    Registration,
    overlap,
    register_lateral,
    warp_stack,
)


def scene(shape: tuple[int, int] = (150, 180), seed: int = 0) -> np.ndarray:
    """Return an image of many objects of different size, on a background."""
    rng = np.random.default_rng(seed)
    image = np.zeros(shape)
    for sigma, area in ((1.5, 400), (3, 1000), (5, 3000)):
        count = shape[0] * shape[1] // area
        points = np.zeros(shape)
        points[rng.integers(0, shape[0], count), rng.integers(0, shape[1], count)] = 1
        image += gaussian_filter(points, sigma) * sigma**2 * rng.uniform(500, 900)
    return 100 + 50 * image


def corner_errors(found: np.ndarray, true: np.ndarray, shape: tuple[int, int]) -> np.ndarray:
    """Return how far two matrices take the corners of an image apart, in pixels."""
    ny, nx = shape
    corners = np.array([[0, nx, 0, nx], [0, 0, ny, ny], [1, 1, 1, 1.0]])
    a, b = found @ corners, true @ corners
    return np.linalg.norm(a[:2] / a[2] - b[:2] / b[2], axis=0)


@pytest.mark.parametrize(
    "true",
    [
        ProjectiveTransform([[1.01, 0.02, -6], [-0.015, 0.99, 4], [2e-5, -3e-5, 1]]),
        SimilarityTransform(scale=1.04, rotation=0.06, translation=(8, -11)),
        SimilarityTransform(translation=(-13.4, 7.7)),
    ],
    ids=["projective", "similarity", "translation"],
)
def test_a_known_transformation_is_found(true) -> None:
    """`skimage.transform.warp` makes the fixed image, under another gain and offset."""
    moving = scene()
    fixed = 0.3 * warp(moving, true.params, order=3, mode="edge") + 700
    found = register_lateral(moving, fixed)
    assert corner_errors(found.matrix, true.params, fixed.shape).max() < 0.7
    assert found.kind == "projective"
    assert found.inliers >= 12
    center = np.array([(180 - 1) / 2, (150 - 1) / 2])
    expected = (center - true(center)[0])[::-1]
    np.testing.assert_allclose(found.shift_px, expected, atol=0.3)


def test_the_kind_of_transformation_may_be_chosen() -> None:
    true = np.array([[1.03, 0.02, -6], [-0.01, 0.98, 4], [0, 0, 1]])
    moving = scene()
    fixed = warp(moving, true, order=3, mode="edge")
    found = register_lateral(moving, fixed, kinds=("affine",))
    assert found.kind == "affine"
    np.testing.assert_array_equal(found.matrix[2], [0, 0, 1])
    assert corner_errors(found.matrix, true, fixed.shape).max() < 0.7
    assert found.agreeing == found.inliers >= 9


def test_one_cell_is_moved_though_it_has_no_features() -> None:
    cell = np.zeros((80, 90))
    cell[40, 45] = 4e5
    cell = gaussian_filter(cell, 9) + 100
    moved = np.roll(cell, (5, -7), axis=(0, 1))
    found = register_lateral(moved, cell)
    assert found.kind == "translation"
    assert found.inliers == 0
    np.testing.assert_allclose(found.shift_px, (-5, 7), atol=0.1)


def test_the_matrix_is_one_of_two_cameras_and_not_of_chance() -> None:
    """Other images have no matches that agree; they are not turned upside down for that."""
    shape = (110, 130)
    found = register_lateral(scene(shape, seed=1), scene(shape, seed=2))
    scale = np.linalg.det(found.matrix[:2, :2])
    assert 0.25 < scale < 4


def test_the_seed_of_ransac_decides() -> None:
    moving = scene((110, 130))
    fixed = warp(moving, SimilarityTransform(rotation=0.05).params, mode="edge")
    one, again = (register_lateral(moving, fixed, seed=3) for _ in range(2))
    np.testing.assert_array_equal(one.matrix, again.matrix)


# ---------------------------------------------------------------------------------------- warping


def shifted(y_px: float, x_px: float) -> Registration:
    """Return what moves the moving image by (y, x)."""
    matrix = np.array([[1, 0, -x_px], [0, 1, -y_px], [0, 0, 1.0]])
    return Registration(matrix, "translation", 0, (y_px, x_px))


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.float32])
def test_a_stack_moves_as_its_projection_does(dtype) -> None:
    stack = np.random.default_rng(0).integers(10, 250, (3, 20, 24)).astype(dtype)
    warped = warp_stack(stack, shifted(4, -3), (20, 24))
    assert warped.dtype == dtype
    expected = np.zeros_like(stack)
    expected[:, 4:, :-3] = stack[:, :-4, 3:]
    np.testing.assert_allclose(warped, expected, atol=1e-3)
    np.testing.assert_array_equal(warp_stack(stack[1], shifted(4, -3), (20, 24)), warped[1])


def test_warped_whole_numbers_stay_in_the_range_of_their_plane() -> None:
    stack = np.zeros((1, 24, 24), np.uint8)
    stack[0, 8:16, 8:16] = 255  # bicubic interpolation would overshoot
    warped = warp_stack(stack, shifted(0.5, 0.5), (24, 24))
    assert warped[0, 12, 12] == 255
    assert warped[0, 2:6, 2:6].max() == 0


def test_the_overlap_of_images_of_different_size() -> None:
    found = overlap(shifted(3, 5), (10, 12), (6, 40))
    expected = np.zeros((10, 12), dtype=bool)
    expected[3:9, 5:] = True
    np.testing.assert_array_equal(found, expected)


@pytest.mark.parametrize(
    ("moving", "message"),
    [
        (np.zeros((3, 64, 64)), "moving image of shape (3, 64, 64)"),
        (np.zeros((20, 64)), "32 px or more per side"),
        (np.full((64, 64), 5), "without contrast"),
        (np.full((64, 64), np.nan), "NaN or infinity"),
    ],
)
def test_what_cannot_be_registered(moving: np.ndarray, message: str) -> None:
    with pytest.raises(DeepZError) as caught:
        register_lateral(moving, scene((64, 64)))
    assert message in str(caught.value)


def test_what_cannot_be_warped() -> None:
    with pytest.raises(DeepZError, match="planes, rows, columns"):
        warp_stack(np.zeros((2, 3, 8, 8)), shifted(0, 0), (8, 8))
