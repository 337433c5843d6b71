"""The light in the pupil against psf-generator, which has the same model."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest
import torch
from psf_generator.propagators import ScalarCartesianPropagator

from deepz_zoo.optics import get_system
from deepz_zoo.optics.psf import PsfParameters, intensity
from deepz_zoo.optics.pupil import DESIGN_COVERSLIP_UM, GLASS_INDEX, PupilGrid

NM = 1e3
SIDE_PX = 32
# Indices by OSA: 3 and 5 are astigmatism, 7 and 8 coma.
ASTIGMATISM, COMA = (3, 5), (7, 8)


def reference(p: PsfParameters, z_um: torch.Tensor, pixel_size_um: float) -> torch.Tensor:
    """Return the intensity around a point source by psf-generator, whose pupil is even."""
    zernike = torch.zeros(10)
    for modes, waves in ((ASTIGMATISM, p.astigmatism_waves), (COMA, p.coma_waves)):
        for mode, value in zip(modes, waves, strict=True):
            zernike[mode] = 2 * math.pi * value
    odd = SIDE_PX + 1
    planes = []
    for z in z_um.tolist():
        propagator = ScalarCartesianPropagator(
            n_pix_pupil=256,
            n_pix_psf=odd,
            zernike_coefficients=zernike,
            wavelength=p.wavelength_um * NM,
            na=p.numerical_aperture,
            # It measures lateral distances with the index of the specimen.
            pix_size=pixel_size_um * (odd - 1) / odd * p.immersion_index / p.specimen_index * NM,
            apod_factor=True,
            gibson_lanni=True,
            z_p=p.depth_um * NM,
            n_s=p.specimen_index,
            n_g=GLASS_INDEX,
            n_g0=GLASS_INDEX,
            t_g=p.coverslip_um * NM,
            t_g0=DESIGN_COVERSLIP_UM * NM,
            n_i=p.immersion_index,
            n_i0=p.design_immersion_index,
        )
        propagator.correction_factor = torch.nan_to_num(propagator.correction_factor)
        # Its z points to the objective and is measured with the index of the specimen too.
        distance = -z * NM * p.immersion_index
        cosine = 1 - propagator.s_max**2 * (propagator.s_x[:, None] ** 2 + propagator.s_x**2)
        phase = 2 * math.pi / (p.wavelength_um * NM) * distance * cosine.clamp(min=0.001).sqrt()
        propagator.defocus_filters = torch.exp(1j * phase)
        planes.append(propagator.compute_focus_field()[0, 0].abs().square())
    return torch.stack(planes)[:, :SIDE_PX, :SIDE_PX]


@pytest.mark.parametrize(
    "name", ["olympus20x_0.75/TxRd-beads", "leica40x_1.3/TxRd", "leica63x_1.4/FITC"]
)
def test_the_image_is_that_of_psf_generator(name: str) -> None:
    system = get_system(name)
    drawn = PsfParameters.draw(system, torch.Generator().manual_seed(1))
    parameters = replace(drawn, pupil_gradient=(0.0, 0.0))
    z = torch.tensor([-0.5, 0.0, 0.8]) * system.z_range_um
    ours = intensity(parameters, z, SIDE_PX, system.pixel_size_um / 2)
    theirs = reference(parameters, z, system.pixel_size_um / 2)
    scale = (ours * theirs).sum() / theirs.square().sum()
    assert ((ours - scale * theirs).abs().amax((1, 2)) / ours.amax((1, 2))).max() < 1e-3


def test_derivatives_are_those_of_differences() -> None:
    grid = PupilGrid(24)
    dry = PsfParameters.draw(get_system("leica20x_0.8/TxRd"), torch.Generator().manual_seed(0))
    along_um = torch.arange(-4.0, 5.0) * 0.3

    def plane(coverslip_um: torch.Tensor) -> torch.Tensor:
        thinner = replace(dry, coverslip_um=coverslip_um)  # type: ignore[arg-type]
        phase = grid.phase(thinner) + grid.defocus(thinner, torch.tensor(3.0))
        pupil = torch.polar(grid.amplitude(thinner), phase)
        return grid.image(thinner, pupil, along_um, along_um).abs().square()

    at, step = torch.tensor(165.0), 0.5
    slope = torch.func.jvp(plane, (at,), (torch.ones(()),))[1]
    difference = (plane(at + step) - plane(at - step)) / (2 * step)
    torch.testing.assert_close(slope, difference, rtol=0.02, atol=0.01 * float(slope.abs().max()))
