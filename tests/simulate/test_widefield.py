"""Image formation against direct sums, and the camera against its own description."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy import ndimage

from deepz_zoo.optics.psf import PsfParameters, point_spread_function
from deepz_zoo.simulate.camera import Camera, Exposure
from deepz_zoo.simulate.volume import Volume, draw_emitters
from deepz_zoo.simulate.widefield import WideField

PSF = PsfParameters(
    numerical_aperture=0.75,
    wavelength_um=0.6,
    immersion_index=1.0,
    design_immersion_index=1.0,
    coverslip_um=150.0,
)
VOLUME = Volume((13, 32, 40), pixel_size_um=0.325, z_step_um=1.0)


def test_a_stack_is_the_sum_of_shifted_point_spread_functions() -> None:
    microscope = WideField(VOLUME, 3.0, PSF)
    light = torch.zeros(VOLUME.shape)
    sources = [(2, 5, 7, 1.0), (6, 16, 20, 2.0), (11, 30, 39, 0.5)]
    for z, y, x, value in sources:
        light[z, y, x] = value
    stack = microscope.image(light)
    assert microscope.z_um.tolist() == [-3, -2, -1, 0, 1, 2, 3]
    psf = point_spread_function(PSF, torch.arange(-9.0, 10.0), size_px=32, pixel_size_um=0.325)
    expected = torch.zeros(7, 32, 40)
    for z, y, x, value in sources:
        nearest = round((microscope.z_um[0] - VOLUME.z_um()[z]).item()) + 9
        image = torch.zeros(7, 32, 40)
        image[:, :, :32] = psf[nearest : nearest + 7]
        expected += value * image.roll((y - 16, x - 16), dims=(1, 2))
    assert torch.allclose(stack, expected, atol=1e-5)


def test_an_emitter_is_sharp_in_the_plane_of_its_own_height() -> None:
    """The sign of z: a bead at +2 µm is in focus at the higher index, at stage +2 µm."""
    light = draw_emitters(
        VOLUME, torch.tensor([[2.0, 5.2, 6.5]]), torch.ones(1), torch.tensor([0.15])
    )
    microscope = WideField(VOLUME, 4.0, PSF)
    peaks = microscope.image(light).amax(dim=(1, 2))
    assert microscope.z_um[int(peaks.argmax())] == 2.0


def test_emitters_keep_light_position_and_width() -> None:
    volume = Volume((21, 64, 64), 0.325, 0.5)
    positions = torch.tensor([[0.13, 10.0, 10.1], [-1.2, 5.03, 14.7]])
    light, radius = torch.tensor([3.0, 1.0]), torch.tensor([0.15, 1.5])
    drawn = draw_emitters(volume, positions, light, radius).numpy()
    assert drawn.sum() == pytest.approx(4.0, rel=1e-5)
    labels, n = ndimage.label(drawn > 1e-6)
    assert n == 2
    for i, (position, value, r) in enumerate(zip(positions, light, radius, strict=True)):
        label = labels[tuple(round(v) for v in to_index(volume, position))]
        masked = np.where(labels == label, drawn, 0)
        assert masked.sum() == pytest.approx(value.item(), rel=1e-3), i
        center = ndimage.center_of_mass(masked)
        # A Gaussian of 0.4 samples, the narrowest drawn, is off by up to 0.09 of one.
        assert center == pytest.approx(to_index(volume, position), abs=0.1)
        spread = (masked * (np.arange(64) - center[2]) ** 2).sum() / masked.sum()
        assert spread * 0.325**2 == pytest.approx(r.item() ** 2 / 5 + 0.02, abs=0.02)


def to_index(volume: Volume, position: torch.Tensor) -> list[float]:
    z, y, x = position.tolist()
    return [z / volume.z_step_um + 10, y / volume.pixel_size_um, x / volume.pixel_size_um]


def test_emitters_beyond_the_volume_are_dropped_and_borders_are_periodic() -> None:
    far = torch.tensor([[100.0, 1.0, 1.0]])
    assert draw_emitters(VOLUME, far, torch.ones(1), torch.full((1,), 0.2)).sum() == 0
    corner = torch.tensor([[0.0, 0.0, 0.0]])
    drawn = draw_emitters(VOLUME, corner, torch.ones(1), torch.full((1,), 0.5))
    assert drawn[:, -1, -1].sum() > 0


def test_camera_noise_is_poisson_with_read_noise_gain_and_offset() -> None:
    camera = Camera()
    generator = torch.Generator().manual_seed(0)
    electrons = torch.full((400, 400), 200.0)
    image = camera.expose(electrons, generator)
    assert image.mean().item() == pytest.approx(100 + 200 / 0.46, rel=1e-3)
    assert image.var().item() == pytest.approx((200 + 1.6**2) / 0.46**2 + 1 / 12, rel=0.02)
    assert camera.expected(electrons).unique().item() == pytest.approx(100 + 200 / 0.46)
    assert camera.expose(electrons * 1e4, generator).max() <= 65535


def test_exposure_sets_peak_background_and_gradient() -> None:
    light = torch.zeros(3, 21, 21)
    light[1, 10, 10] = 7.0
    exposure = Exposure(peak=1000, background=50, gradient=0.2, gradient_angle=np.pi / 2)
    electrons = exposure.electrons(light)
    assert electrons.max() == pytest.approx(1050)
    assert electrons[0, 0, 0] == pytest.approx(40)
    assert electrons[0, -1, 0] == pytest.approx(60)
