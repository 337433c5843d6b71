"""Poisson noise against SciPy's distribution, and against the last digit of an expectation."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy import stats

from deepz_zoo.simulate.shot_noise import fast_shot_noise, shot_noise

COUNTS = 100_000


def uniform(seed: int, count: int) -> torch.Tensor:
    generator = torch.Generator().manual_seed(seed)
    return torch.rand(count, generator=generator, dtype=torch.float64)


@pytest.mark.parametrize("mean", [0.01, 0.5, 5.0, 11.9])
def test_few_counts_are_the_quantiles_of_the_distribution(mean: float) -> None:
    drawn = shot_noise(torch.full((COUNTS,), mean), torch.Generator().manual_seed(1))
    # The mean is a float32 number.
    expected = stats.poisson.ppf(uniform(1, COUNTS).numpy(), float(np.float32(mean)))
    np.testing.assert_array_equal(drawn.numpy(), expected)


@pytest.mark.parametrize("mean", [12.0, 30.0, 300.0, 28_000.0])
def test_many_counts_are_within_one_of_the_quantiles(mean: float) -> None:
    drawn = shot_noise(torch.full((COUNTS,), mean), torch.Generator().manual_seed(2)).numpy()
    expected = stats.poisson.ppf(uniform(2, COUNTS).numpy(), mean)
    assert np.abs(drawn - expected).max() <= 1
    assert (drawn != expected).mean() < 0.015
    assert drawn.mean() == pytest.approx(mean, abs=5 * np.sqrt(mean / COUNTS))
    assert drawn.var() == pytest.approx(mean, rel=5 * np.sqrt(2 / COUNTS) + 0.01)


def test_no_light_gives_no_counts() -> None:
    assert not shot_noise(torch.zeros(1000), torch.Generator().manual_seed(3)).any()


def test_a_last_digit_changes_no_other_pixel() -> None:
    """Sums of light differ in their last digits between processors; the noise must not."""
    light = torch.rand(10_000, generator=torch.Generator().manual_seed(4)) * 100
    other = light.clone()
    other[:100] *= 1 + 1e-6
    counts, changed = (shot_noise(x, torch.Generator().manual_seed(5)) for x in (light, other))
    np.testing.assert_array_equal(counts[100:], changed[100:])
    assert (counts - changed).abs().max() <= 1


@pytest.mark.parametrize("mean", [3.0, 8.0, 30.0, 28_000.0])
def test_fast_noise_is_nearly_of_the_distribution(mean: float) -> None:
    drawn = fast_shot_noise(torch.full((COUNTS,), mean), torch.Generator().manual_seed(6)).numpy()
    true = stats.poisson(mean)
    assert drawn.mean() == pytest.approx(mean, abs=5 * np.sqrt(mean / COUNTS))
    # Rounding adds 1/12 to the variance.
    assert drawn.var() == pytest.approx(mean + 1 / 12, rel=0.03)
    assert stats.skew(drawn) == pytest.approx(float(true.stats("s")), abs=0.06)
    counts = np.arange(int(mean + 6 * np.sqrt(mean)))
    found = np.searchsorted(np.sort(drawn), counts, side="right") / COUNTS
    assert np.abs(found - true.cdf(counts)).max() < 0.02
