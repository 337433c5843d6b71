"""The model of a bead's images against the point-spread function of the simulator."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
import torch

from deepz_zoo.calibrate.model import PARAMETERS, SPHERICAL, BeadModel
from deepz_zoo.optics import get_system
from deepz_zoo.optics.psf import PsfParameters, point_spread_function

BEADS = get_system("olympus20x_0.75/TxRd-beads")
OIL = get_system("leica40x_1.3/TxRd")
Z_UM = torch.tensor([-3.0, 0.0, 2.0, 4.0])


def vector(**settings: float) -> list[float]:
    usual = {"numerical_aperture": 0.73, "blur_um2": 0.36}
    return [(usual | settings).get(name, 0.0) for name in PARAMETERS]


SETTINGS = vector(
    spherical_um=-25.0,
    oblique_astigmatism_waves=0.1,
    vertical_astigmatism_waves=-0.05,
    coma_y_waves=0.08,
    coma_x_waves=-0.04,
    gradient_y=0.6,
    gradient_x=-0.3,
)


def test_images_are_those_of_the_point_spread_function() -> None:
    model = BeadModel(BEADS, 0.325, crop_px=44, farthest_um=5.0)
    instrument = model.instrument(SETTINGS)
    assert instrument.coverslip_um == 145.0
    assert instrument.residual_blur_um == pytest.approx(0.6)
    parameters = PsfParameters.of(instrument, design_immersion_index=1.0)
    ours = model.images(torch.tensor(SETTINGS), torch.zeros(3), Z_UM)
    # Both call another plane 0: the focus of least error, and that of the brightest pixel.
    shifts = torch.arange(-3.0, 3.0, 0.1)
    theirs = [
        point_spread_function(parameters, Z_UM + shift, size_px=96, pixel_size_um=0.325)
        for shift in shifts
    ]
    inner = slice(48 - 22, 48 + 22)
    errors = [
        float((ours - psf[:, inner, inner]).norm() / psf[:, inner, inner].norm()) for psf in theirs
    ]
    assert min(errors) < 0.03
    assert max(errors) > 0.5
    # Nearly all light of the bead is in the crop.
    assert ours.sum(dim=(1, 2)).numpy() == pytest.approx(np.ones(4), abs=0.05)


def test_a_bead_off_the_middle_is_shifted() -> None:
    model = BeadModel(BEADS, 0.325, crop_px=32, farthest_um=3.0)
    settings, z_um = torch.tensor(SETTINGS), torch.tensor([1.0])
    middle = model.images(settings, torch.zeros(3), z_um)
    moved = model.images(settings, torch.tensor([0.0, 2 * 0.325, -0.325]), z_um)
    torch.testing.assert_close(moved[:, 2:, :-1], middle[:, :-2, 1:], rtol=0.01, atol=1e-5)
    higher = model.images(settings, torch.tensor([0.7, 0.0, 0.0]), z_um + 0.7)
    torch.testing.assert_close(higher, middle)


def test_a_larger_bead_is_a_wider_one() -> None:
    point, ball = (BeadModel(BEADS, 0.325, 32, 3.0, diameter) for diameter in (0.0, 1.0))
    along = (torch.arange(32.0) - 16) * 0.325
    # Without diffraction's wide feet in the second moment, the difference is that of the ball.
    images = [
        m.images(torch.tensor(SETTINGS), torch.zeros(3), torch.zeros(1))[0] for m in (point, ball)
    ]
    variances = [float((image.sum(0) * along**2).sum() / image.sum()) for image in images]
    assert variances[1] - variances[0] == pytest.approx(1.0**2 / 20, rel=0.1)


@pytest.mark.parametrize("system", [BEADS, OIL])
def test_spherical_aberration_is_linear_and_has_the_sign_of_its_cause(system) -> None:
    model = BeadModel(system, system.pixel_size_um, 32, 3.0)
    assert model.spherical_is_depth == (system is OIL)
    aperture = system.objective.numerical_aperture
    waves = []
    for spherical in (-20.0, 10.0, 20.0):
        settings = vector(numerical_aperture=aperture)
        settings[SPHERICAL] = spherical
        waves.append(model.spherical_waves(model.settings(settings)))
    assert waves[0] == pytest.approx(-waves[2], rel=1e-3)
    assert waves[1] == pytest.approx(waves[2] / 2, rel=1e-3)
    # A thick coverslip below a dry lens, and water below an oil lens, are of opposite sign.
    assert math.copysign(1, waves[2]) == (-1 if system is OIL else 1)


def test_spherical_aberration_leaves_coma_and_astigmatism_aside() -> None:
    model = BeadModel(BEADS, 0.325, 32, 3.0)
    settings = model.settings(SETTINGS)
    even = replace(settings, astigmatism_waves=(0.0, 0.0), coma_waves=(0.0, 0.0))
    assert model.spherical_waves(settings) == model.spherical_waves(even) < -0.05
