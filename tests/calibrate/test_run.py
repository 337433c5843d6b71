"""Known instruments are found again, from stacks and from tilted slides."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest
import torch

from deepz_zoo.calibrate.report import plot_calibration
from deepz_zoo.calibrate.run import Calibration, calibrate_stacks, calibrate_surface
from deepz_zoo.calibrate.verdict import OPPOSITE_SIGN, outside_of_ranges
from deepz_zoo.dpm import Tilt
from deepz_zoo.errors import DeepZError
from deepz_zoo.images import Image, write_image
from deepz_zoo.images.stack import read_stack
from deepz_zoo.optics import Channel, ImagingSystem, Objective, get_system
from deepz_zoo.optics.psf import PsfParameters
from tests.calibrate.bead_images import Floats, bead_stack, spread_out

pytestmark = pytest.mark.slow

REAL_BEAD = Path(__file__).parents[1] / "data" / "bead.ome.tif"
BEADS = get_system("olympus20x_0.75/TxRd-beads")


def drawn(system: ImagingSystem, seed: int) -> PsfParameters:
    return PsfParameters.draw(system, torch.Generator().manual_seed(seed))


def written(path: Path, image: Image) -> list[tuple[Path, Image]]:
    write_image(path, image)
    return [(path, image)]


def acquired_stack(
    tmp_path: Path,
    system: ImagingSystem,
    parameters: PsfParameters,
    *,
    beads: int,
    seed: int,
    spacing_px: int = 38,
) -> list[tuple[Path, Image]]:
    """Acquire beads at several heights, at a realistic exposure."""
    rng = np.random.default_rng(seed)
    shape = (120 + 30 * beads * spacing_px // 38, 3 * spacing_px)
    places = spread_out(beads, shape, spacing_px, rng)
    depth_of_field = system.depth_of_field_um
    heights = rng.uniform(-0.6, 0.6, beads) * depth_of_field
    step_um = 0.8 * depth_of_field
    stage_um: Floats = np.arange(-6.0, 7.0) * step_um
    stack = bead_stack(
        parameters,
        np.column_stack([heights, places]),
        stage_um,
        shape=shape,
        pixel_size_um=system.pixel_size_um,
        peak=float(np.exp(rng.uniform(np.log(2000), np.log(20_000)))),
        background=float(rng.uniform(10, 80)),
        seed=seed,
    )
    return written(tmp_path / "beads.tif", Image(stack, "zyx", system.pixel_size_um, step_um))


def tilted_slide(
    tmp_path: Path, system: ImagingSystem, parameters: PsfParameters, degrees: float, seed: int
) -> list[tuple[Path, Image]]:
    """Acquire one image of beads on a tilted slide whose focus is not in the middle."""
    rng = np.random.default_rng(seed)
    shape = (480, 160)
    places = spread_out(18, shape, 46.0, rng)
    distance = Tilt(degrees, "x").dpm(shape, system.pixel_size_um)
    heights = [distance[int(y), int(x)] + 0.7 for y, x in places] + rng.normal(0, 0.1, len(places))
    image = bead_stack(
        parameters,
        np.column_stack([heights, places]),
        np.zeros(1),
        shape=shape,
        pixel_size_um=system.pixel_size_um,
        peak=15_000.0,
        seed=seed,
    )[0]
    return written(tmp_path / "slide.tif", Image(image, "yx", system.pixel_size_um))


def assert_found(found: Calibration, truth: PsfParameters) -> None:
    """Compare with the true instrument; the aberration in µm, since the wavelength was held."""
    instrument, wavelength_um = (
        found.microscope.instrument,
        found.microscope.instrument.wavelength_um,
    )
    true_um = found.model.spherical_waves(truth) * truth.wavelength_um
    assert found.microscope.spherical_waves * wavelength_um == pytest.approx(true_um, rel=0.1)
    assert math.dist(instrument.pupil_gradient, truth.pupil_gradient) < 0.1
    assert math.dist(instrument.coma_waves, truth.coma_waves) < 0.03
    assert math.dist(instrument.astigmatism_waves, truth.astigmatism_waves) < 0.03
    assert instrument.numerical_aperture == pytest.approx(truth.numerical_aperture, rel=0.03)
    assert instrument.residual_blur_um == pytest.approx(truth.residual_blur_um, abs=0.1)


def test_an_instrument_is_found_from_a_stack_and_shown(tmp_path) -> None:
    truth = drawn(BEADS, 0)
    found = calibrate_stacks(BEADS, acquired_stack(tmp_path, BEADS, truth, beads=3, seed=0))
    assert_found(found, truth)
    microscope = found.microscope
    assert microscope.beads == 3
    assert microscope.correlation > 0.99
    assert microscope.undetermined == ()
    assert 0.1 < microscope.electrons_per_grey_level < 0.6  # 0.46 but for what is held
    assert microscope.images[0].name == "beads.tif"
    assert outside_of_ranges(microscope, found.model) == []
    page = plot_calibration(found)
    assert len(page.subfigs) == 2 + 1
    assert "correlation" in page.get_suptitle()


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "seed"),
    [
        ("olympus20x_0.75/TxRd-beads", 4),
        ("olympus20x_0.75/TxRd-beads", 11),
        ("leica20x_0.8/TxRd", 1),
        ("leica20x_0.8/FITC", 5),
        ("olympus20x_0.75/TxRd", 6),
        ("leica40x_1.3/TxRd", 2),
    ],
)
def test_instruments_of_the_catalogue_are_found_from_ten_beads(tmp_path, name, seed) -> None:
    system = get_system(name)
    truth = drawn(system, seed)
    spacing_px = 56 if system.objective.immersion == "oil" else 38
    images = acquired_stack(tmp_path, system, truth, beads=10, seed=seed, spacing_px=spacing_px)
    found = calibrate_stacks(system, images)
    assert found.microscope.beads >= 8
    assert_found(found, truth)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "seed"), [("olympus20x_0.75/TxRd-beads", 0), ("leica20x_0.8/TxRd", 1)]
)
def test_instruments_are_found_from_one_tilted_slide(tmp_path, name, seed) -> None:
    system = get_system(name)
    truth = drawn(system, seed)
    images = tilted_slide(tmp_path, system, truth, 4.0, seed)
    found = calibrate_surface(system, images, Tilt(4.0, "x"))
    assert found.microscope.beads >= 10
    assert_found(found, truth)
    # The surface lies 0.7 µm above what was said; the focus of least error and the brightest plane
    # are some depths of field apart.
    assert found.fit.places_um[:, 0].mean() == pytest.approx(0.7, abs=2 * system.depth_of_field_um)


@pytest.mark.slow
def test_a_wrong_sign_of_z_is_found_out(tmp_path) -> None:
    truth = drawn(BEADS, 0)
    [(path, image)] = acquired_stack(tmp_path, BEADS, truth, beads=3, seed=0)
    upside_down = Image(image.data[::-1], "zyx", image.pixel_size_um, image.z_step_um)
    found = calibrate_stacks(BEADS, [(path, upside_down)])
    assert found.microscope.spherical_waves > 0.03
    assert OPPOSITE_SIGN in outside_of_ranges(found.microscope, found.model)


@pytest.mark.slow
def test_a_real_bead_is_explained() -> None:
    """A bead of pyotf's: 0.85 NA in air, 520 nm."""
    lens = Objective(
        id="air_0.85",
        name="0.85 air",
        magnification=50,
        numerical_aperture=0.85,
        immersion="air",
        immersion_index=1.0,
    )
    channel = Channel(name="520", emission_wavelength_um=0.52, emission_band_um=(0.51, 0.53))
    system = get_system("leica20x_0.8/FITC").model_copy(
        update={"objective": lens, "channel": channel, "pixel_size_um": 0.13}
    )
    found = calibrate_stacks(system, [(REAL_BEAD, read_stack(REAL_BEAD))])
    assert found.microscope.beads == 1
    assert found.microscope.correlation >= 0.97


def test_a_wrong_magnification_is_one_line(tmp_path) -> None:
    [(path, image)] = acquired_stack(tmp_path, BEADS, drawn(BEADS, 0), beads=3, seed=0)
    wrong = Image(image.data, "zyx", 0.2, image.z_step_um)
    with pytest.raises(DeepZError, match=r"spread from focus.*pixel size \(0.2 µm\)"):
        calibrate_stacks(BEADS, [(path, wrong)])


def test_a_slide_that_hardly_tilts_is_one_line(tmp_path) -> None:
    image = Image(np.full((64, 64), 100, np.uint16), "yx", 0.325)
    with pytest.raises(DeepZError, match="tilted by 2° around y spans 0.72 µm.*at least 3.3 µm"):
        calibrate_surface(BEADS, [(tmp_path / "a.tif", image)], Tilt(2.0))
