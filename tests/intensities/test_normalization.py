"""Normalization against a direct reading of the paper's four steps."""

from __future__ import annotations

import numpy as np
import pytest
from skimage.filters import threshold_triangle

from deepz_zoo.errors import DeepZError
from deepz_zoo.intensities import intensity_scale, normalize_image, normalize_stack


def camera_image(seed: int = 0) -> np.ndarray:
    rng = np.random.default_rng(seed)
    image = rng.normal(120, 6, (80, 100))
    y, x = np.mgrid[:80, :100]
    for cy, cx in rng.uniform(10, 70, (12, 2)):
        image += 2000 * np.exp(-((y - cy) ** 2 + (x - cx) ** 2) / 18)
    return image.round().astype(np.uint16)


def test_steps_one_to_three() -> None:
    image = camera_image()
    found = intensity_scale(image)
    foreground = image > threshold_triangle(image)
    assert found.background == pytest.approx(image[~foreground].mean())
    normalized = normalize_image(image)
    above = (normalized[foreground] > 1).mean()
    assert 0.008 < above <= 0.01
    assert normalized[~foreground].mean() == pytest.approx(0, abs=1e-5)


def test_step_four_takes_the_numbers_of_the_extended_depth_of_field_image() -> None:
    stack = np.stack([camera_image(s) // 2 for s in range(3)])
    edf = camera_image(9)
    scale = intensity_scale(edf)
    expected = (stack.astype(float) - scale.background) / scale.scale
    assert normalize_stack(stack, edf) == pytest.approx(expected, abs=1e-5)


def test_undo_returns_to_camera_units() -> None:
    image = camera_image()
    scale = intensity_scale(image)
    assert scale.undo(scale.apply(image)) == pytest.approx(image, abs=0.01)


@pytest.mark.parametrize("gain", [1e-4, 0.05, 0.37])
def test_an_image_with_fractions_gets_the_same_normalization_in_any_unit(gain: float) -> None:
    image = camera_image().astype(np.float64) + 0.25
    reference, found = intensity_scale(image), intensity_scale(image * gain)
    assert found.scale / gain == pytest.approx(reference.scale, rel=0.03)


def test_a_flat_image_keeps_its_values() -> None:
    scale = intensity_scale(np.full((20, 20), 7, np.uint8))
    assert (scale.background, scale.scale) == (7.0, 1.0)


@pytest.mark.parametrize(
    ("image", "message"),
    [
        (np.zeros((0, 5)), "expected rows and columns"),
        (np.zeros((3, 5, 5)), "expected rows and columns"),
        (np.array([[1.0, np.nan]]), "NaN"),
    ],
)
def test_bad_images_are_refused(image: np.ndarray, message: str) -> None:
    with pytest.raises(DeepZError, match=message):
        intensity_scale(image)


def test_a_stack_of_another_size_than_its_reference_is_refused() -> None:
    with pytest.raises(DeepZError, match="same rows and columns"):
        normalize_stack(np.zeros((3, 8, 8)), camera_image())
