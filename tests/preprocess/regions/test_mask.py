from __future__ import annotations

import numpy as np
import pytest
from scipy.ndimage import label

from deepz_zoo.preprocess.regions.mask import foreground_mask


def test_bright_pixels_bring_all_that_hangs_together_with_them() -> None:
    image = np.zeros((12, 20))
    image[2:5, 2:9] = 0.15
    image[3, 3] = 0.9
    image[8:11, 2:9] = 0.15  # as large, with nothing bright in it
    image[2, 15] = 0.5
    image[3, 16] = 0.15  # touches only at a corner
    mask = foreground_mask(image)
    expected = np.zeros(image.shape, dtype=bool)
    expected[2:5, 2:9] = expected[2, 15] = expected[3, 16] = True
    np.testing.assert_array_equal(mask, expected)


@pytest.mark.parametrize(("low", "high"), [(0.1, 0.3), (0.3, 0.3), (0.05, 0.8)])
def test_against_connected_components(low: float, high: float) -> None:
    image = np.random.default_rng(0).random((40, 50)) ** 4
    components, _ = label(image > low, structure=np.ones((3, 3)))
    wanted = np.unique(components[image > high])
    np.testing.assert_array_equal(
        foreground_mask(image, low=low, high=high), np.isin(components, wanted[wanted > 0])
    )


def test_noise_alone_is_no_foreground() -> None:
    assert not foreground_mask(np.random.default_rng(0).normal(0, 0.05, (100, 100))).any()
