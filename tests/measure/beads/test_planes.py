"""Beads of known width give it back, and each that is left out says why."""

from __future__ import annotations

import numpy as np
import pytest

from deepz_zoo.measure.beads.planes import (
    AT_EDGE,
    NEAR_NEIGHBOR,
    OUT_OF_FOCUS,
    SATURATED,
    measure_planes,
)
from deepz_zoo.records.beads import BeadSettings, BeadStatistics, BeadTable
from tests.measure.beads.gaussians import FWHM_PER_SIGMA, PIXEL_UM, STEP_UM, gaussian_stack


def measure(planes: np.ndarray, **settings: object) -> BeadTable:
    return measure_planes(
        planes,
        PIXEL_UM,
        STEP_UM if len(planes) > 1 else None,
        file="beads.tif",
        image="measured",
        settings=BeadSettings(**settings),
    )


@pytest.mark.parametrize("fit_offset", [False, True])
def test_known_widths_come_back_within_three_percent(fit_offset: bool) -> None:
    table = measure(gaussian_stack((12.0, 30.3, 25.0), (10.4, 60.0, 68.6)), fit_offset=fit_offset)
    assert len(table.used) == len(table.beads) == 2
    first, second = table.used
    for bead, (z, y, x) in ((first, (12.0, 30.3, 25.0)), (second, (10.4, 60.0, 68.6))):
        assert bead.fwhm_z_um == pytest.approx(FWHM_PER_SIGMA * 3.0 * STEP_UM, rel=0.03)
        assert bead.fwhm_y_um == pytest.approx(FWHM_PER_SIGMA * 1.5 * PIXEL_UM, rel=0.03)
        assert bead.fwhm_x_um == pytest.approx(FWHM_PER_SIGMA * 2.0 * PIXEL_UM, rel=0.03)
        assert bead.fwhm_lateral_um == pytest.approx(FWHM_PER_SIGMA * 1.75 * PIXEL_UM, rel=0.03)
        assert (bead.z_um, bead.y_px, bead.x_px) == pytest.approx((z * STEP_UM, y, x), abs=0.1)
        assert bead.flux == pytest.approx(2000 * 2 * np.pi * 1.5 * 2.0, rel=0.05)
        assert bead.r2_lateral is not None
        assert bead.r2_lateral > 0.98
    lateral = BeadStatistics.of([table], "lateral")
    assert (lateral.beads, lateral.clipped) == (2, 0)
    assert lateral.median_um == pytest.approx(FWHM_PER_SIGMA * 1.75 * PIXEL_UM, rel=0.03)


def test_a_single_image_has_no_axial_width() -> None:
    table = measure(gaussian_stack((12.0, 48.0, 48.0))[12:13])
    (bead,) = table.used
    assert bead.fwhm_lateral_um == pytest.approx(FWHM_PER_SIGMA * 1.75 * PIXEL_UM, rel=0.03)
    assert (bead.z_um, bead.fwhm_z_um, bead.r2_axial) == (None, None, None)
    assert BeadStatistics.of([table], "axial").median_um is None


def test_beads_that_cannot_be_measured_say_why() -> None:
    stack = gaussian_stack(
        (12, 20, 20), (12, 20, 34), (12, 48, 6), (0, 70, 70), (12, 70, 25), shape=(25, 96, 96)
    )
    table = measure(stack)
    reasons = {(round(bead.y_px), round(bead.x_px)): bead.left_out for bead in table.beads}
    assert reasons == {
        (20, 20): NEAR_NEIGHBOR,
        (20, 34): NEAR_NEIGHBOR,
        (48, 6): AT_EDGE,
        (70, 70): OUT_OF_FOCUS,
        (70, 25): "",
    }
    assert table.left_out == {NEAR_NEIGHBOR: 2, AT_EDGE: 1, OUT_OF_FOCUS: 1}
    saturated = np.minimum(stack * 60, 65535).astype(np.uint16)
    assert SATURATED in measure(saturated).left_out


def test_dim_neighbors_are_left_out_without_harm_to_the_bright_one() -> None:
    stack = gaussian_stack((12, 48, 48)) + gaussian_stack((12, 48, 66), amplitude=300) - 100
    table = measure(stack, threshold=200.0)
    assert [bead.left_out for bead in table.beads] == ["", NEAR_NEIGHBOR]


def test_fits_that_diverge_are_clipped_counted_and_in_the_median() -> None:
    _, y, x = np.indices((1, 96, 96))
    line = 900 * np.exp(-((y - 48) ** 2) / (2 * 2.0**2)) * (np.abs(x - 48) < 25)
    table = measure(100 + line)
    (bead,) = table.used
    assert bead.clipped_lateral
    assert bead.fwhm_x_um == pytest.approx(FWHM_PER_SIGMA * 15 * PIXEL_UM, rel=0.01)
    assert bead.fwhm_y_um == pytest.approx(FWHM_PER_SIGMA * 2 * PIXEL_UM, rel=0.01)
    statistics = BeadStatistics.of([table], "lateral")
    assert (statistics.beads, statistics.clipped) == (1, 1)


def test_noise_and_hot_pixels_are_no_beads() -> None:
    noise = np.random.default_rng(1).normal(100, 5, (9, 64, 64))
    noise[4, 30, 30] = 60_000
    assert measure(noise, threshold=None).beads == ()
    assert measure(np.full((9, 64, 64), 7, np.uint16)).beads == ()


def test_the_beads_of_another_image_keep_their_numbers() -> None:
    sharp = measure(gaussian_stack((12, 30, 25), (12, 48, 6), (12, 60, 68)))
    blurred = measure_planes(
        gaussian_stack((12, 30, 25), (12, 48, 6), (12, 60, 68), sigma=(4.0, 3.0, 3.0)),
        PIXEL_UM,
        STEP_UM,
        file="beads.tif",
        image="virtual stack",
        settings=BeadSettings(),
        beads_of=sharp,
    )
    assert [bead.bead for bead in blurred.beads] == [bead.bead for bead in sharp.used]
    assert (blurred.threshold, blurred.found_in) == (sharp.threshold, "measured")
    assert blurred.used[0].fwhm_lateral_um == pytest.approx(FWHM_PER_SIGMA * 3 * PIXEL_UM, rel=0.03)
