"""The confocal point-spread function against psfmodels and against the wide-field one."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import psfmodels
import pytest
import torch

from deepz_zoo.optics import Confocal
from deepz_zoo.optics.confocal import confocal_point_spread_function
from deepz_zoo.optics.psf import PsfParameters, point_spread_function

PIXEL_UM, SIZE = 0.06, 48
LASER = Confocal(excitation_wavelength_um=0.488)
OIL = PsfParameters(
    numerical_aperture=1.2,
    wavelength_um=0.525,
    immersion_index=1.515,
    design_immersion_index=1.515,
    specimen_index=1.515,
)
IN_TISSUE = replace(OIL, depth_um=6.0, specimen_index=1.4)


def confocal(parameters: PsfParameters, z_um: np.ndarray, laser: Confocal = LASER) -> np.ndarray:
    return confocal_point_spread_function(
        parameters, laser, torch.from_numpy(z_um), size_px=SIZE, pixel_size_um=PIXEL_UM
    ).numpy()


def reference(p: PsfParameters, z_um: np.ndarray) -> np.ndarray:
    """Scalar Gibson–Lanni of psfmodels around the brightest plane of the wide-field one."""
    common: dict[str, Any] = {
        "dxy": PIXEL_UM, "NA": p.numerical_aperture, "ns": p.specimen_index, "pz": p.depth_um,
        "model": "scalar",
    }  # fmt: skip
    wide = np.arange(-10, 10, 0.05)
    plain = psfmodels.make_psf(list(wide), nx=3, wvl=p.wavelength_um, **common)
    focus = wide[plain[:, 1, 1].argmax()]
    planes = psfmodels.confocal_psf(
        list(z_um + focus), nx=SIZE + 1, ex_wvl=LASER.excitation_wavelength_um,
        em_wvl=p.wavelength_um, **common,
    )  # fmt: skip
    return planes[:, :SIZE, :SIZE]


@pytest.mark.parametrize("parameters", [OIL, IN_TISSUE], ids=["matched", "in tissue"])
def test_agrees_with_psfmodels(parameters: PsfParameters) -> None:
    z = np.arange(-0.9, 0.91, 0.3)
    ours, theirs = confocal(parameters, z), reference(parameters, z)
    agreement = np.corrcoef(ours.ravel(), theirs.ravel())[0, 1]
    assert agreement > 0.995
    mirrored = np.corrcoef(ours[::-1].ravel(), theirs.ravel())[0, 1]
    assert mirrored < agreement - 0.01 or parameters is OIL, "z has the sign of psfmodels"


def test_light_from_other_planes_does_not_pass_the_pinhole() -> None:
    z = np.array([-1.0, 0.0, 1.0])
    light = confocal(OIL, z).sum(axis=(1, 2))
    wide = point_spread_function(
        OIL, torch.from_numpy(z), size_px=SIZE, pixel_size_um=PIXEL_UM
    ).sum(dim=(1, 2))
    assert light[1] == pytest.approx(1, abs=1e-6)  # the order of the sum is the processor's
    assert max(light[[0, 2]]) < 0.15 < 0.9 < wide.min()


def test_a_wider_pinhole_lets_more_of_them_pass() -> None:
    z = np.array([0.0, 1.0])
    fractions = [
        confocal(OIL, z, LASER.model_copy(update={"pinhole_airy": airy})).sum(axis=(1, 2))[1]
        for airy in (0.5, 1.0, 3.0)
    ]
    assert fractions == sorted(fractions)
    assert fractions[2] > 2 * fractions[0]
