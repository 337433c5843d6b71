from __future__ import annotations

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter

from deepz_zoo import dpm
from deepz_zoo.errors import DeepZError
from deepz_zoo.images.sampling import Sampling, find_sampling


def blob(shape: tuple[int, int], pixel_um: float, center_um: tuple[float, float]) -> np.ndarray:
    """Return a Gaussian of 2 µm σ at a place counted in µm from the image's corner."""
    y, x = ((np.arange(n) + 0.5) * pixel_um for n in shape)
    distance = (y[:, None] - center_um[0]) ** 2 + (x - center_um[1]) ** 2
    return 100 + 1000 * np.exp(-distance / (2 * 2.0**2))


@pytest.mark.parametrize("pixel_um", [0.325, 0.32, 0.3345])
def test_three_percent_are_tolerated(pixel_um: float) -> None:
    assert not find_sampling((100, 100), pixel_um, 0.325).resamples


def test_other_pixel_sizes_are_refused_with_both_numbers_and_the_ways_out() -> None:
    with pytest.raises(DeepZError) as caught:
        find_sampling((100, 100), 0.1625, 0.325)
    for expected in (
        "0.1625 µm",
        "0.325 µm",
        "`resample`",
        "`ignore_pixel_size`",
        "`pixel_size_um`",
    ):
        assert expected in str(caught.value)


def test_they_can_be_ignored() -> None:
    assert not find_sampling((100, 100), 0.1625, 0.325, "ignore").resamples


@pytest.mark.parametrize("pixel_um", [0, -1, float("nan")])
def test_impossible_pixel_sizes(pixel_um: float) -> None:
    with pytest.raises(DeepZError, match="more than 0"):
        find_sampling((100, 100), pixel_um, 0.325)


@pytest.mark.parametrize(("pixel_um", "shape"), [(0.13, (150, 210)), (0.65, (60, 80))])
def test_resampling_keeps_places_and_intensities(pixel_um: float, shape: tuple[int, int]) -> None:
    sampling = find_sampling(shape, pixel_um, 0.325, "resample")
    center = (7.1, 11.3)
    image = blob(shape, pixel_um, center)
    seen = sampling.to_model(image.astype(np.float32))
    assert seen.shape == tuple(round(n * pixel_um / 0.325) for n in shape)
    np.testing.assert_allclose(seen, blob(seen.shape, 0.325, center), atol=15)
    np.testing.assert_allclose(sampling.from_model(seen), image, atol=15)


def test_shrinking_does_not_alias() -> None:
    noise = np.random.default_rng(0).normal(0, 1, (256, 256))
    seen = Sampling((256, 256), (64, 64)).to_model(noise)
    averaged = gaussian_filter(noise, 1.5)[2::4, 2::4]
    assert seen.std() == pytest.approx(averaged.std(), rel=0.3)


def test_integers_stay_integers() -> None:
    image = np.random.default_rng(0).poisson(20, (40, 60)).astype(np.uint16)
    seen = Sampling((40, 60), (52, 78)).to_model(image)
    np.testing.assert_array_equal(seen, np.rint(seen))
    fractions = Sampling((40, 60), (52, 78)).to_model(image.astype(np.float32))
    assert np.any(fractions != np.rint(fractions))


def test_surfaces_keep_their_geometry() -> None:
    surface = dpm.Tilt(1.5, axis="y").dpm((100, 160), 0.13)
    sampling = find_sampling((100, 160), 0.13, 0.325, "resample")
    expected = dpm.Tilt(1.5, axis="y").dpm((40, 64), 0.325)
    inside = np.s_[2:-2, 2:-2]
    resampled = sampling.dpm_to_model(surface)
    np.testing.assert_allclose(resampled[inside], expected[inside], atol=1e-3)
    assert np.abs(resampled).max() <= np.abs(surface).max()
