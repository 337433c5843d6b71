"""The sharpest distance of each frame is found, in the region that moves."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter

from deepz_zoo.images import Image
from deepz_zoo.optics import get_system
from deepz_zoo.refocus.autofocus import (
    distances_to_try,
    find_track,
    moving_region,
    normalized_variance,
)
from deepz_zoo.refocus.planes import Rows

SHAPE = (64, 80)


def _spots(*places: tuple[int, int]) -> np.ndarray:
    image = np.zeros(SHAPE)
    for y, x in places:
        image[y, x] = 5000
    return image


class BlurredPlan:
    """A plan whose planes are sharp at a known distance of each frame, and blurred beside it."""

    sampling = SimpleNamespace(image_shape=SHAPE)

    def __init__(self, true_um: list[float], step_um: float = 1.0) -> None:
        self.true_um = true_um
        self.z_um = tuple(np.arange(-6, 6 + step_um / 2, step_um))
        frames = [100 + gaussian_filter(_spots((20, 20 + 2 * n)), 3) for n in range(len(true_um))]
        self.frames = Image(np.array(frames), "tyx")

    def run_frame(self, model: object, number: int, tile_px: int | None = None):
        sharp = _spots((20, 20 + 2 * number))
        for target, z in enumerate(self.z_um):
            blur = 1 + 0.5 * abs(z - self.true_um[number])
            yield Rows(target, 0, (100 + gaussian_filter(sharp, blur)).astype(np.float32))


def test_the_region_holds_what_moves_and_not_what_stays() -> None:
    rng = np.random.default_rng(0)
    still = gaussian_filter(_spots((50, 60)), 2)
    frames = [
        100 + still + gaussian_filter(_spots((20, 20 + n)), 2) + rng.normal(0, 1, SHAPE)
        for n in range(8)
    ]
    region = moving_region(frames)
    assert region[20, 19:28].all()
    assert not region[45:56, 55:66].any()
    assert region.mean() < 0.4


@pytest.mark.parametrize("count", [1, 4])
def test_the_region_is_everything_where_nothing_moves(count: int) -> None:
    frame = 100 + gaussian_filter(_spots((20, 20)), 2)
    assert moving_region([frame] * count).all()


def test_blur_lowers_the_variance() -> None:
    sharp = 100 + gaussian_filter(_spots((20, 20)), 1)
    values = [normalized_variance(gaussian_filter(sharp, sigma)) for sigma in (0.5, 1, 2, 4)]
    assert values == sorted(values, reverse=True)
    assert normalized_variance(np.zeros((3, 3))) == 0


def test_a_track_is_found_between_the_planes_that_are_tried() -> None:
    true = np.linspace(-3.3, 3.4, 12).tolist()
    plan: Any = BlurredPlan(true)
    track = find_track(plan, None)
    np.testing.assert_allclose(track.before_smoothing_um, true, atol=0.3)
    # Smoothing flattens the ends.
    np.testing.assert_allclose(track.dz_um[4:-4], true[4:-4], atol=0.3)
    assert track.sharpness.shape == (12, 13)


def test_one_frame_far_off_does_not_bend_the_track() -> None:
    true = [1.0] * 9
    true[4] = -5.0
    plan: Any = BlurredPlan(true)
    track = find_track(plan, None)
    assert track.before_smoothing_um[4] == pytest.approx(-5, abs=0.3)
    np.testing.assert_allclose(track.dz_um, 1.0, atol=0.3)


def test_frames_without_contrast_lie_between_the_others() -> None:
    true = [1.0, 1.0, 1.0, 2.0, 3.0, 3.0, 3.0]
    dark: Any = BlurredPlan(true)
    seen = dark.run_frame

    def run_frame(model: object, number: int, tile_px: int | None = None):
        for rows in seen(model, number):
            yield rows._replace(pixels=np.full_like(rows.pixels, 7)) if number == 3 else rows

    dark.run_frame = run_frame
    track = find_track(dark, None)
    np.testing.assert_allclose(track.before_smoothing_um, true, atol=0.3)


def test_the_distances_are_even_and_within_the_range() -> None:
    assert distances_to_try(get_system("leica20x_0.8/TxRd")) == tuple(range(-10, 11))
    system = get_system("leica40x_1.3/TxRd")
    tried = distances_to_try(system)
    assert -system.z_range_um <= tried[0] == -tried[-1]
    assert np.ptp(np.diff(tried)) < 1e-5
