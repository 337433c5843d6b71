"""The motion of the body is found, and both channels are moved back."""

from __future__ import annotations

import numpy as np
import pytest

from deepz_zoo.images import Image
from deepz_zoo.measure.neurons import pair_channels
from deepz_zoo.measure.neurons.registration import register_video
from tests.measure.neurons.videos import SHAPE, worm_video


@pytest.fixture(scope="module")
def video():
    return worm_video(5)


@pytest.fixture(scope="module")
def nuclei(video):
    return pair_channels(video.image, nuclei="TxRd").nuclei


@pytest.fixture(scope="module")
def found(nuclei):
    return register_video(nuclei)


def test_a_planted_affine_motion_is_found(video, found):
    assert found.found == ("reference", *["affine"] * 4)
    assert found.warning is None
    ny, nx = SHAPE
    corners = np.array([[20, nx - 20, 20, nx - 20], [20, 20, ny - 20, ny - 20], [1, 1, 1, 1.0]])
    for registration, motion in zip(found.registrations, video.motions, strict=True):
        np.testing.assert_allclose(registration.matrix @ corners, motion @ corners, atol=0.4)
    assert 0.8 < found.covered.mean() < 1


def test_a_channel_is_moved_when_it_is_read_and_keeps_type_and_background(nuclei, found):
    moved = found.apply(nuclei)
    first, last = (moved.plane(number).astype(float) for number in (0, 4))
    unmoved = nuclei.plane(4).astype(float)
    assert moved.data.dtype == np.uint16
    assert np.corrcoef(first.ravel(), last.ravel())[0, 1] > 0.98
    assert np.corrcoef(first.ravel(), unmoved.ravel())[0, 1] < 0.95
    assert last.min() > 50  # 0 would change the intensity scale of the frame


def test_a_body_that_does_not_move_is_no_cause_for_a_warning():
    still = worm_video(3, moving=False)
    found = register_video(pair_channels(still.image, nuclei="TxRd").nuclei)
    assert found.warning is None
    assert found.largest_shift_px < 0.1


def test_frames_without_features_are_moved_by_phase_correlation_and_told_of():
    y, x = np.ogrid[:64, :72]
    frames = [
        100 + 900 * np.exp(-((y - 32 - 2 * n) ** 2 + (x - 30 - n) ** 2) / 162) for n in range(4)
    ]
    found = register_video(Image(np.array(frames), "tyx", 0.325))
    assert found.found == ("reference", *["translation"] * 3)
    np.testing.assert_allclose(found.registrations[3].shift_px, (-6, -3), atol=0.2)
    assert found.warning is not None
    assert "in 3 of 4 frames: 3 moved by phase correlation, 0 as the frame before" in found.warning
