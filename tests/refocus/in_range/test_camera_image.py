"""Images that are empty, saturated or noisy."""

from __future__ import annotations

import numpy as np
import pytest

from deepz_zoo.refocus.in_range.camera_image import camera_image_warnings


def bright(*shape: int) -> np.ndarray:
    rng = np.random.default_rng(4)
    image = rng.normal(100, 3, shape).round()
    image[..., ::7, ::9] += 2000
    return image.astype(np.uint16)


@pytest.mark.parametrize(
    ("image", "says"),
    [
        (np.full((40, 50), 7, np.uint16), "every pixel of the image is 7"),
        (np.where(bright(40, 50) > 500, 4095, bright(40, 50)), "saturated at 4095"),
        (np.random.default_rng(0).normal(100, 3, (90, 90)), "times the noise"),
    ],
)
def test_doubtful_images_are_reported(image: np.ndarray, says: str) -> None:
    assert any(says in line for line in camera_image_warnings(image))


def test_a_good_image_is_not() -> None:
    assert camera_image_warnings(bright(40, 50)) == ()
    assert camera_image_warnings(bright(40, 50).astype(np.float32)) == ()


def noisy(ratio: float) -> np.ndarray:
    """Return an image with about this signal over the noise."""
    image = np.random.default_rng(4).normal(100, 10, (90, 90))
    image[::7, ::9] += 10 * ratio
    return image.round().astype(np.uint16)


def test_the_measured_limits_decide_which_signal_is_too_weak(limits) -> None:
    """They fail at 6 times the noise; 5 is the rule where nothing was measured."""
    assert camera_image_warnings(noisy(3.7)) == camera_image_warnings(noisy(9), limits) == ()
    (line,) = camera_image_warnings(noisy(3.7), limits)
    assert "failed below 6 times" in line


def test_a_model_that_never_failed_is_doubted_where_it_was_not_measured(limits) -> None:
    curve = limits.curve("signal")
    points = tuple(point for point in curve.points if point.value >= 1000)
    fine = limits.model_copy(update={"curves": (curve.model_copy(update={"points": points}),)})
    (line,) = camera_image_warnings(noisy(20), fine)
    assert "measured down to 24 times only" in line
    assert camera_image_warnings(noisy(30), fine) == ()
