"""Which beads are kept."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from deepz_zoo.calibrate import beads as reasons
from deepz_zoo.calibrate.beads import beads_of_image, beads_of_stack
from deepz_zoo.calibrate.model import BeadModel
from deepz_zoo.dpm import Tilt
from deepz_zoo.errors import DeepZError
from deepz_zoo.optics import get_system
from deepz_zoo.optics.psf import PsfParameters
from tests.calibrate.bead_images import bead_stack, spread_out

SYSTEM = get_system("olympus20x_0.75/TxRd-beads")
MODEL = BeadModel(SYSTEM, 0.325, crop_px=40, farthest_um=4.0)
PSF = replace(PsfParameters.nominal(SYSTEM), coverslip_um=150.0, residual_blur_um=0.5)
SHAPE = (160, 160)
STAGE_UM = np.arange(-5.0, 5.1, 1.0)
PLACES = np.array([(0.0, 50.3, 50.6), (0.6, 110.0, 110.0)])


def stack(places=PLACES, **changes):
    return bead_stack(
        PSF, np.asarray(places), STAGE_UM, shape=SHAPE, pixel_size_um=0.325, **changes
    )


def test_isolated_beads_are_cut_out_around_their_focus() -> None:
    found = beads_of_stack(stack(), 1.0, MODEL)
    assert (found.spots, found.left_out) == (2, {})
    assert sorted((bead.y_px, bead.x_px) for bead in found.beads) == [(50, 51), (110, 110)]
    first = found.beads[0]
    assert first.pixels.shape == first.valid.shape == (7, 40, 40)
    assert (first.z_um[0], first.z_um[-1]) == (-4.0, 4.0)
    # 20 electrons of background and the camera's own noise, at 0.46 electrons per grey level.
    assert first.level == pytest.approx(100 + 20 / 0.46, abs=3.0)
    assert first.read_variance == pytest.approx((20 + 1.6**2) / 0.46**2, rel=0.2)


def test_what_is_left_out_is_counted() -> None:
    near = [*PLACES, (0.0, 62.0, 62.0)]
    found = beads_of_stack(stack(near), 1.0, MODEL)
    assert (len(found.beads), found.left_out) == (1, {reasons.NEIGHBOR: 2})
    low = [*PLACES[:1], (4.9, 110.0, 110.0)]
    found = beads_of_stack(stack(low), 1.0, MODEL)
    assert (len(found.beads), found.left_out) == (1, {reasons.OUT_OF_FOCUS: 1})
    bright = stack(peak=60_000.0)  # beyond the well of the camera
    found = beads_of_stack(bright, 1.0, MODEL)
    assert found.left_out == {reasons.SATURATED: 2}


def test_hot_pixels_are_no_beads_and_do_not_count_in_a_crop() -> None:
    images = stack(peak=20_000.0)
    images[:, 60, 62] = 60_000
    found = beads_of_stack(images, 1.0, MODEL)
    bead = next(bead for bead in found.beads if bead.y_px == 50)
    assert not bead.valid[:, 20 + 10, 20 + 11].any()
    assert bead.valid.mean() > 0.999
    assert (60, 62) not in {(bead.y_px, bead.x_px) for bead in found.beads}


def test_beads_far_from_focus_are_found_in_one_image_of_a_tilted_slide() -> None:
    shape = (400, 160)
    places = spread_out(12, shape, 45.0, np.random.default_rng(1))
    distance = Tilt(4.0, "x").dpm(shape, 0.325)
    z_um = [distance[int(y), int(x)] for y, x in places]
    image = bead_stack(
        PSF, np.column_stack([z_um, places]), np.zeros(1), shape=shape, pixel_size_um=0.325
    )[0]
    found = beads_of_image(image, distance, MODEL)
    assert np.ptp(z_um) > 6
    assert len(found.beads) >= 10
    for bead in found.beads:
        nearest = np.hypot(places[:, 0] - bead.y_px, places[:, 1] - bead.x_px).min()
        assert nearest < 4
        assert bead.z_um[0] == -distance[bead.y_px, bead.x_px]


def test_too_few_planes_and_too_coarse_steps_are_refused() -> None:
    with pytest.raises(DeepZError, match="a stack of 3 planes; expected at least 5"):
        beads_of_stack(stack()[4:7], 1.0, MODEL)
    with pytest.raises(DeepZError, match="a z step of 3 µm leaves 3 planes"):
        beads_of_stack(stack()[::2], 3.0, MODEL)


@pytest.mark.parametrize(
    ("images", "expected"),
    [
        (stack()[:, :20, :20], "no beads in a.tif; expected bright spots"),
        (stack(peak=60_000.0), "2 saturated.*expose less"),
        (stack([(6.0, 80.0, 80.0)]), "1 that never pass focus.*both sides of the focus"),
        (stack([(0.0, 80.0, 80.0), (0.0, 90.0, 90.0)]), "2 with a near neighbor.*dilute the beads"),
    ],
)
def test_without_a_usable_bead_one_line_says_why(images, expected) -> None:
    with pytest.raises(DeepZError, match=expected):
        beads_of_stack(images, 1.0, MODEL).chosen("a.tif", MODEL)
