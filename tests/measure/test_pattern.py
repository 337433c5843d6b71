"""Patterns of the network's grid are found, and other images have none."""

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter

from deepz_zoo.measure.pattern import pattern_power


@pytest.fixture
def smooth():
    """Return an image without a pattern, with a gradient that does not repeat at its edges."""
    rng = np.random.default_rng(0)
    noise = gaussian_filter(rng.normal(size=(192, 256)), 0.8)
    return noise + 3 * np.linspace(0, 1, 256) + rng.normal(scale=0.01, size=(192, 256))


@pytest.mark.parametrize("period", [2, 4])
def test_an_image_without_a_pattern_has_about_as_much_power_beside(smooth, period) -> None:
    assert pattern_power(smooth, period) == pytest.approx(1, abs=0.25)


@pytest.mark.parametrize("period", [2, 4])
@pytest.mark.parametrize("axis", [0, 1])
def test_a_faint_pattern_is_found_at_its_period_alone(smooth, period, axis) -> None:
    wave = np.cos(2 * np.pi * np.arange(smooth.shape[axis]) / period)
    hatched = smooth + 0.3 * np.expand_dims(wave, 1 - axis)
    other = 6 - period
    assert pattern_power(hatched, period) > 10
    assert pattern_power(hatched, other) == pytest.approx(pattern_power(smooth, other), rel=0.01)


def test_a_checkerboard_is_found(smooth) -> None:
    y, x = np.indices(smooth.shape)
    assert pattern_power(smooth + 0.1 * (-1.0) ** (x + y), 2) > 10


@pytest.mark.parametrize("shape", [(64,), (32, 64), (66, 128), (1, 64, 64)])
def test_other_shapes_are_refused(shape) -> None:
    with pytest.raises(ValueError, match="multiples of 4"):
        pattern_power(np.zeros(shape), 4)
