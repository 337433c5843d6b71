"""The point-spread function against psfmodels, theory and measured beads."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import numpy as np
import psfmodels
import pytest
import torch
from numpy.typing import NDArray
from scipy.optimize import curve_fit

from deepz_zoo.optics import get_system
from deepz_zoo.optics.psf import PsfParameters, point_spread_function

PIXEL_UM = 0.325
DRY = PsfParameters(
    numerical_aperture=0.75,
    wavelength_um=0.6,
    immersion_index=1.0,
    design_immersion_index=1.0,
)
THIN_COVERSLIP = replace(DRY, coverslip_um=150.0)
DEEP_IN_TISSUE = replace(DRY, depth_um=25.0, specimen_index=1.35)


def reference(p: PsfParameters, z_um: NDArray[np.float64], size: int) -> NDArray[np.float64]:
    """Vectorial Gibson–Lanni of psfmodels around its plane of the brightest pixel."""

    def make(z: NDArray[np.float64], nx: int) -> NDArray[np.float64]:
        return psfmodels.make_psf(
            list(z),
            nx=nx,
            dxy=PIXEL_UM,
            NA=p.numerical_aperture,
            wvl=p.wavelength_um,
            ns=p.specimen_index,
            ni=p.immersion_index,
            ni0=p.design_immersion_index,
            ng=1.515,
            ng0=1.515,
            tg=p.coverslip_um,
            tg0=170.0,
            pz=p.depth_um,
            model="vectorial",
        )

    wide = np.arange(-40, 40, 0.1)
    focus = wide[make(wide, 3)[:, 1, 1].argmax()]
    return make(z_um + focus, size + 1)[:, :size, :size]


@pytest.mark.parametrize("parameters", [DRY, THIN_COVERSLIP, DEEP_IN_TISSUE])
def test_agrees_with_psfmodels_in_every_plane_and_in_the_sign_of_z(
    parameters: PsfParameters,
) -> None:
    z = np.arange(-6.0, 6.1, 2.0)
    ours = point_spread_function(
        parameters, torch.from_numpy(z), size_px=64, pixel_size_um=PIXEL_UM
    ).numpy()
    theirs = reference(parameters, z, 64)
    correlations = [
        np.corrcoef(a.ravel(), b.ravel())[0, 1] for a, b in zip(ours, theirs, strict=True)
    ]
    assert min(correlations) > 0.97
    if parameters is not DRY:
        # The mirrored stack must fit clearly worse, or the comparison could not see the sign.
        mirrored = [
            np.corrcoef(a.ravel(), b.ravel())[0, 1] for a, b in zip(ours[::-1], theirs, strict=True)
        ]
        assert min(mirrored) < 0.85


def test_in_focus_width_and_depth_of_field() -> None:
    system = get_system("leica20x_0.8/TxRd")
    parameters = PsfParameters.nominal(system)
    fine = 0.05
    image = point_spread_function(
        parameters, torch.zeros(1), size_px=128, pixel_size_um=fine, recenter=False
    )[0].numpy()
    profile = image[64] / image.max()
    above = np.flatnonzero(profile >= 0.5)
    left = above[0] - (profile[above[0]] - 0.5) / (profile[above[0]] - profile[above[0] - 1])
    right = above[-1] + (profile[above[-1]] - 0.5) / (profile[above[-1]] - profile[above[-1] + 1])
    assert (right - left) * fine == pytest.approx(system.lateral_fwhm_um, rel=0.06)

    z = torch.arange(-1.5, 1.51, 0.05)
    axial = point_spread_function(parameters, z, size_px=32, pixel_size_um=fine, recenter=False)[
        :, 16, 16
    ].numpy()
    width = np.ptp(z.numpy()[axial >= axial.max() / 2])
    # The intensity along the axis falls to half over sqrt(2) depths of field, less a bit at NA 0.8.
    assert width == pytest.approx(1.36, abs=0.1)


def test_a_bead_pixel_by_pixel_has_the_width_that_a_fit_expects() -> None:
    """2-D Gaussian of the point-spread function at 0.325 µm, NA 0.8, 615 nm: about 0.45 µm."""
    parameters = PsfParameters.nominal(get_system("leica20x_0.8/TxRd"))
    image = point_spread_function(
        parameters, torch.zeros(1), size_px=32, pixel_size_um=PIXEL_UM, recenter=False
    )[0].numpy()
    y, x = np.mgrid[:32, :32] - 16.0

    def gaussian(_: object, amplitude: float, sigma: float) -> NDArray[np.float64]:
        return (amplitude * np.exp(-(x**2 + y**2) / (2 * sigma**2))).ravel()

    (_, sigma), _ = curve_fit(gaussian, None, image.ravel(), (image.max(), 0.6))
    assert 2.355 * abs(sigma) * PIXEL_UM == pytest.approx(0.46, abs=0.05)


def light_radii(image: NDArray[np.float32]) -> list[float]:
    """Radii in px that hold 20, 50 and 80 % of the light."""
    half = len(image) // 2
    y, x = np.mgrid[: len(image), : len(image)] - half
    radius = np.hypot(y, x).ravel()
    order = np.argsort(radius)
    light = np.cumsum(image.ravel()[order]) / image.sum()
    return [float(np.interp(f, light, radius[order])) for f in (0.2, 0.5, 0.8)]


def test_thin_coverslip_gives_rings_at_positive_z_and_a_halo_at_negative_z() -> None:
    """Measured beads of an Olympus 20x/0.75 on a 150 µm coverslip, and psfmodels, show the same.

    Half-light radii (px of 0.325 µm) of 85 real beads: ring side 4.5 to 11 with a 20/80 % ratio of
    0.42 to 0.68; core-and-halo side 3.4 to 8.3 with a ratio of 0.31 to 0.33.
    """
    z = torch.tensor([4.0, 6.0, -3.0, -4.0])
    psf = point_spread_function(
        replace(THIN_COVERSLIP, residual_blur_um=0.6), z, size_px=128, pixel_size_um=PIXEL_UM
    ).numpy()
    radii = [light_radii(image) for image in psf]
    ratios = [r[0] / r[2] for r in radii]
    assert all(ratio > 0.5 for ratio in ratios[:2]), "rings: the light sits at one radius"
    assert all(ratio < 0.4 for ratio in ratios[2:]), "core and halo: the light is spread"
    # psfmodels without the extra blur gives 6.3, 10.2, 6.3 and 8.1 px.
    for radius, expected in zip([r[1] for r in radii], (6.9, 11.0, 6.0, 8.0), strict=True):
        assert radius == pytest.approx(expected, rel=0.15)


def test_light_is_conserved_along_z() -> None:
    z = torch.arange(-5.0, 5.1, 2.5)
    psf = point_spread_function(DEEP_IN_TISSUE, z, size_px=128, pixel_size_um=PIXEL_UM)
    sums = psf.sum(dim=(1, 2)).numpy()
    assert sums == pytest.approx(np.ones(len(z)), abs=0.03)


@pytest.mark.slow
def test_every_drawn_instrument_has_the_same_sign_of_aberration() -> None:
    """Rings on one side for all draws: the light of a ring sits at one radius."""
    system = get_system("leica20x_0.8/TxRd")
    for seed in range(6):
        parameters = PsfParameters.draw(system, torch.Generator().manual_seed(seed))
        psf = point_spread_function(
            parameters, torch.tensor([-5.0, 5.0]), size_px=96, pixel_size_um=PIXEL_UM
        ).numpy()
        ring, halo = (light_radii(image) for image in psf)
        assert ring[0] / ring[2] > 1.15 * halo[0] / halo[2]


def test_draws_are_reproducible_and_differ() -> None:
    system = get_system("leica40x_1.3/TxRd")
    draws = [PsfParameters.draw(system, torch.Generator().manual_seed(s)) for s in (3, 3, 4)]
    assert draws[0] == draws[1] != draws[2]


@pytest.mark.slow
def test_asymmetry_grows_with_the_error_of_the_coverslip() -> None:
    z = torch.tensor([-5.0, 5.0])
    asymmetry = []
    for coverslip in (170.0, 165.0, 160.0, 150.0):
        below, above = point_spread_function(
            replace(DRY, coverslip_um=coverslip), z, size_px=96, pixel_size_um=PIXEL_UM
        )
        difference = torch.linalg.norm(above - below)
        asymmetry.append((difference / (torch.linalg.norm(above) + below.norm())).item())
    assert asymmetry[0] < 0.02
    # psfmodels (20x/0.75, ±5 µm): 0.11, 0.20 and 0.36.
    assert asymmetry[1:] == pytest.approx([0.11, 0.20, 0.36], abs=0.05)
    assert all(a < b for a, b in pairwise(asymmetry))


ABERRATED = replace(DEEP_IN_TISSUE, coverslip_um=160.0, coma_waves=(0.03, 0.02))
"""A thin coverslip and depth in tissue; coma stays as it is when the rest changes its sign."""


def around_paraxial_focus(parameters: PsfParameters) -> NDArray[np.float32]:
    """Return the planes from -5 to +5 µm, where 0 does not depend on the aberration."""
    z = torch.arange(-5.0, 5.1, 1.0)
    return point_spread_function(
        parameters, z, size_px=64, pixel_size_um=PIXEL_UM, recenter=False
    ).numpy()


def test_the_whole_spherical_aberration_is_the_one_that_was_there() -> None:
    assert ABERRATED.with_spherical_aberration(1) == ABERRATED
    oil = PsfParameters.draw(get_system("leica40x_1.3/TxRd"), torch.Generator().manual_seed(3))
    same = oil.with_spherical_aberration(1)
    assert same.immersion_index == pytest.approx(oil.immersion_index, abs=1e-12)
    assert same.coverslip_um == pytest.approx(oil.coverslip_um, abs=1e-9)
    assert same.depth_um == oil.depth_um


def test_the_opposite_spherical_aberration_mirrors_in_z() -> None:
    here = around_paraxial_focus(ABERRATED)
    mirrored = around_paraxial_focus(ABERRATED.with_spherical_aberration(-1))[::-1]
    assert np.abs(mirrored - here).max() < 0.01 * here.max()
    assert np.abs(here[::-1] - here).max() > 0.3 * here.max()


def test_without_spherical_aberration_both_sides_of_the_focus_are_alike() -> None:
    none = around_paraxial_focus(ABERRATED.with_spherical_aberration(0))
    assert np.abs(none[::-1] - none).max() < 0.01 * none.max()
    assert none[5].max() == none.max()


def test_the_asymmetry_grows_with_the_factor() -> None:
    asymmetry = []
    for factor in (0.0, 0.5, 1.0, 1.5):
        psf = around_paraxial_focus(THIN_COVERSLIP.with_spherical_aberration(factor))
        asymmetry.append(np.linalg.norm(psf[::-1] - psf) / np.linalg.norm(psf))
    assert asymmetry[0] < 0.01
    assert all(less < more for less, more in pairwise(asymmetry))


@pytest.mark.parametrize("gradient", [(0.8, 0.0), (0.0, -0.5), (0.3, 0.6)])
def test_an_uneven_pupil_shifts_the_light_of_a_defocused_disk(
    gradient: tuple[float, float],
) -> None:
    """The centroid of a disk of radius R lies g R/4 off: in proportion to z, with its sign."""
    uneven = replace(DRY, numerical_aperture=0.3, pupil_gradient=gradient)
    z = np.array([-40.0, -20.0, 20.0, 40.0])
    planes = point_spread_function(
        uneven, torch.from_numpy(z), size_px=256, pixel_size_um=PIXEL_UM, recenter=False
    ).numpy()
    along = np.arange(256) - 128.0
    light = planes.sum(axis=(1, 2))
    centroid = np.stack([planes.sum(axis=2) @ along, planes.sum(axis=1) @ along]) / light
    radius_um = z * np.tan(np.arcsin(0.3))
    expected = np.outer(gradient, radius_um) / 4
    # Diffraction puts a few hundredths of the light outside of the geometric disk.
    np.testing.assert_allclose(centroid * PIXEL_UM, expected, rtol=0.03, atol=0.01)


def test_light_over_the_pupil_is_never_negative() -> None:
    """At a gradient of 1 one edge of the pupil is dark; half of the light leaves by one half."""
    dark_edge = replace(DRY, numerical_aperture=0.3, pupil_gradient=(0.0, 1.0))
    plane = point_spread_function(
        dark_edge, torch.tensor([40.0]), size_px=256, pixel_size_um=PIXEL_UM, recenter=False
    )[0].numpy()
    radius_px = 40 * np.tan(np.arcsin(0.3)) / PIXEL_UM
    bright, dim = (plane[128, 128 + round(side * 0.8 * radius_px)] for side in (1, -1))
    assert dim < 0.25 * bright
    assert plane[:, 129:].sum() / plane.sum() == pytest.approx(0.5 + 4 / (3 * np.pi) / 2, abs=0.03)


def test_instruments_are_drawn_with_gradients_up_to_the_largest_in_any_direction() -> None:
    system = get_system("olympus20x_0.75/TxRd-beads")
    gradients = np.array(
        [
            PsfParameters.draw(system, torch.Generator().manual_seed(seed)).pupil_gradient
            for seed in range(60)
        ]
    )
    lengths = np.hypot(*gradients.T)
    assert 0.7 < lengths.max() <= system.aberrations.pupil_gradient == 0.9
    assert (gradients.min(axis=0) < -0.3).all() and (gradients.max(axis=0) > 0.3).all()
