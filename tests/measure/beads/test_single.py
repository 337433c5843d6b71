"""Bead measurements on Gaussians whose peak, width and flux are known in closed form."""

from __future__ import annotations

import math

import numpy as np
import pytest

from deepz_zoo.measure.beads import detect_beads, diverged, isolated, measure_beads

PIXEL_UM = 0.325
FWHM_PER_SIGMA = 2 * math.sqrt(2 * math.log(2))


def gaussian_image(
    *beads: tuple[float, float, float, float],
    amplitude: float = 1000.0,
    background: float = 100.0,
    shape: tuple[int, int] = (96, 96),
) -> np.ndarray:
    """Return Gaussians, each given as y, x, sigma y and sigma x in pixels."""
    y, x = np.indices(shape)
    image = np.full(shape, background, dtype=float)
    for cy, cx, sy, sx in beads:
        image += amplitude * np.exp(-((y - cy) ** 2) / (2 * sy**2) - (x - cx) ** 2 / (2 * sx**2))
    return image


@pytest.mark.parametrize("offset", [True, False])
def test_a_gaussian_bead_measures_what_it_is(offset: bool) -> None:
    image = gaussian_image((40.0, 50.0, 1.5, 2.5))
    (bead,) = measure_beads(image, [(40.0, 50.0)], PIXEL_UM, fit_offset=offset)
    assert bead.peak == pytest.approx(1000, rel=1e-4)
    assert bead.flux == pytest.approx(1000 * 2 * math.pi * 1.5 * 2.5, rel=1e-3)
    assert bead.fwhm_um == pytest.approx(FWHM_PER_SIGMA * 2.0 * PIXEL_UM, rel=1e-3)
    assert bead.background == pytest.approx(100, abs=1e-2)


def test_the_width_survives_noise_and_a_position_between_pixels() -> None:
    image = gaussian_image((40.4, 50.7, 1.6, 1.6))
    noisy = np.random.default_rng(1).poisson(image)
    (bead,) = measure_beads(noisy, [(41.0, 50.0)], PIXEL_UM)
    assert bead.fwhm_um == pytest.approx(FWHM_PER_SIGMA * 1.6 * PIXEL_UM, rel=0.05)


def test_the_offset_keeps_a_halo_out_of_the_width() -> None:
    core = gaussian_image((48.0, 48.0, 1.2, 1.2))
    image = core + gaussian_image((48.0, 48.0, 7.0, 7.0), amplitude=150, background=0)
    (plain,) = measure_beads(image, [(48.0, 48.0)], PIXEL_UM, fit_offset=False)
    (better,) = measure_beads(image, [(48.0, 48.0)], PIXEL_UM)
    assert better.fwhm_um is not None
    assert plain.fwhm_um is None or plain.fwhm_um > 1.1 * better.fwhm_um


def test_fits_that_diverge_have_no_width_and_are_counted() -> None:
    y, _ = np.indices((96, 96))
    beads = measure_beads(
        gaussian_image((20.0, 20.0, 1.5, 1.5)) + np.where(y > 40, 5.0 * y, 0.0),
        [(20.0, 20.0), (70.0, 48.0)],
        PIXEL_UM,
    )
    assert beads[0].fwhm_um is not None
    assert beads[1].fwhm_um is None
    assert diverged(beads) == 1


def test_a_blank_crop_has_no_bead() -> None:
    (bead,) = measure_beads(np.full((64, 64), 5.0), [(32.0, 32.0)], PIXEL_UM)
    assert (bead.peak, bead.flux, bead.fwhm_um) == (0, 0, None)


def test_a_bead_outside_the_image_is_refused() -> None:
    with pytest.raises(ValueError, match="outside the image"):
        measure_beads(np.zeros((64, 64)), [(32.0, 200.0)], PIXEL_UM)


def test_detection_finds_the_beads_and_drops_hot_pixels() -> None:
    image = gaussian_image((20.0, 30.0, 1.5, 1.5), (60.0, 70.0, 2.0, 2.0))
    image[40, 10] = 60_000
    found = detect_beads(image, threshold=400.0)
    assert np.allclose(sorted(found.tolist()), [[20, 30], [60, 70]], atol=0.1)
    assert detect_beads(image, threshold=1e6).shape == (0, 2)


def test_isolated_beads_have_no_neighbor_and_lie_inside() -> None:
    positions = [(50, 50), (50, 58), (20, 80), (5, 50), (80, 20)]
    chosen = isolated(positions, (100, 100), min_distance=10, margin=15)
    assert chosen.tolist() == [2, 4]
    assert isolated([], (100, 100), min_distance=10).tolist() == []
    assert isolated([(50, 50)], (100, 100), min_distance=10).tolist() == [0]
