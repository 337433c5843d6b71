"""The complex wavelets, by what defines them and by the published real ones of the same power."""

from __future__ import annotations

import numpy as np
import pytest

from deepz_zoo.preprocess.focus.wavelets import (
    TAPS,
    VANISHING_MOMENTS,
    analyze,
    high_pass,
    low_pass,
    max_scales,
    subbands,
    synthesize,
)

# I. Daubechies, "Ten Lectures on Wavelets" (1992), Table 6.1, N = 7.
DAUBECHIES_7 = (
    0.0778520540850037, 0.3965393194818912, 0.7291320908461957, 0.4697822874051889,
    -0.1439060039285212, -0.2240361849938749, 0.0713092192668272, 0.0806126091510774,
    -0.0380299369350104, -0.0165745416306655, 0.0125509985560986, 0.0004295779729214,
    -0.0018016407040473, 0.0003537137999745,
)  # fmt: skip


def test_the_filter_is_symmetric_complex_and_of_sum_sqrt_2() -> None:
    taps = low_pass()
    assert taps.shape == (TAPS,) == (14,)
    np.testing.assert_allclose(taps, taps[::-1], atol=1e-12)
    assert taps.sum() == pytest.approx(np.sqrt(2))
    assert np.abs(taps.imag).max() > 0.05


def test_it_has_the_power_spectrum_of_the_published_real_filter() -> None:
    """All Daubechies filters of as many vanishing moments have the same |H|²."""
    taps = low_pass()
    published = np.correlate(DAUBECHIES_7, DAUBECHIES_7, "full")
    np.testing.assert_allclose(np.correlate(taps, taps, "full"), published, atol=1e-10)


@pytest.mark.parametrize("shift", range(TAPS // 2))
def test_the_two_filters_are_orthonormal_under_even_shifts(shift: int) -> None:
    low, high = low_pass(), high_pass()
    kept = TAPS - 2 * shift
    for one, other, expected in ((low, low, shift == 0), (high, high, shift == 0), (low, high, 0)):
        product = np.vdot(one[:kept], other[2 * shift :])
        assert product == pytest.approx(float(expected), abs=1e-10)


def test_details_do_not_see_polynomials_below_the_seventh_degree() -> None:
    x = np.linspace(-1, 1, TAPS)
    moments = [abs(np.sum(high_pass() * x**degree)) for degree in range(VANISHING_MOMENTS + 1)]
    assert max(moments[:-1]) < 1e-9
    assert moments[-1] > 1e-4


@pytest.mark.parametrize(
    ("shape", "scales"), [((16, 16), 4), ((8, 64), 3), ((64, 4), 2), ((2, 2), 1), ((1, 8), 0)]
)
def test_every_image_is_reconstructed_and_its_energy_kept(shape, scales: int) -> None:
    image = np.random.default_rng(0).normal(size=shape)
    assert max_scales(shape) == scales
    coefficients = analyze(image, scales)
    assert np.square(np.abs(coefficients)).sum() == pytest.approx(np.square(image).sum())
    np.testing.assert_allclose(synthesize(coefficients, scales), image, atol=1e-10)


def test_a_flat_image_has_no_details() -> None:
    coefficients = analyze(np.full((16, 32), 3.0), 2)
    low = coefficients[:4, :8]
    np.testing.assert_allclose(low, 12.0, atol=1e-9)
    coefficients[:4, :8] = 0
    np.testing.assert_allclose(coefficients, 0, atol=1e-9)


def test_subbands_are_named_after_the_direction_of_their_details() -> None:
    y, x = np.mgrid[:16, :32]
    hl, hh, lh = subbands((16, 32), 1)
    for image, found in ((-1.0) ** x, hl), ((-1.0) ** (x + y), hh), ((-1.0) ** y, lh):
        power = np.abs(analyze(image, 1)) ** 2
        assert power[found].sum() == pytest.approx(image.size)


def test_subbands_and_the_low_pass_part_tile_the_array() -> None:
    shape, scales = (16, 32), 3
    times = np.zeros(shape, dtype=int)
    times[:2, :4] += 1
    for scale in range(1, scales + 1):
        for band in subbands(shape, scale):
            times[band] += 1
    assert (times == 1).all()
