"""Simulated stacks against what is known of real ones."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from deepz_zoo.dpm import Tilt
from deepz_zoo.errors import DeepZError
from deepz_zoo.intensities import intensity_scale
from deepz_zoo.optics import Confocal, get_system, list_systems
from deepz_zoo.optics.psf import PsfParameters
from deepz_zoo.simulate import SPECIMENS, simulate_stack
from deepz_zoo.simulate.camera import Camera, Exposure
from deepz_zoo.simulate.specimens import BEAD_RADIUS_UM, draw_specimen, scattered_beads
from deepz_zoo.simulate.stack import acquire_stack, specimen_volume
from deepz_zoo.simulate.volume import Volume
from deepz_zoo.simulate.widefield import WideField

SYSTEM = get_system("leica20x_0.8/TxRd")
SHAPE = (64, 64)


@pytest.mark.slow
def test_the_same_seed_gives_the_same_stack_and_another_one_does_not() -> None:
    one, same, other = (
        simulate_stack(SYSTEM, "clusters", seed=seed, shape=SHAPE) for seed in (5, 5, 6)
    )
    assert np.array_equal(one.camera, same.camera)
    assert not np.array_equal(one.camera, other.camera)


def test_what_the_catalogue_asks_for_can_be_simulated() -> None:
    for system in list_systems():
        assert set(system.specimens) <= set(SPECIMENS)


@pytest.mark.slow
@pytest.mark.parametrize("specimen", SPECIMENS)
def test_camera_and_noise_free_stack_agree(specimen: str) -> None:
    stack = simulate_stack(SYSTEM, specimen, seed=2, shape=SHAPE)
    assert stack.camera.shape == stack.noise_free.shape == (41, *SHAPE)
    assert stack.camera.dtype == np.uint16
    assert stack.z_um[[0, 20, 40]].tolist() == [-10, 0, 10]
    electrons = (stack.noise_free - 100) * 0.46
    residual = (stack.camera - stack.noise_free) * 0.46
    # Poisson and read noise, and nothing else.
    chi = residual / np.sqrt(electrons + 1.6**2)
    assert np.abs(chi.mean()) < 0.02
    assert chi.std() == pytest.approx(1.0, abs=0.03)


@pytest.mark.slow
def test_background_and_signal_are_those_of_real_images() -> None:
    """Real images: background 105 to 484, its noise 3.5 to 28, foreground 3 to 19 %."""
    backgrounds, foregrounds = [], []
    for seed in range(3):
        stack = simulate_stack(SYSTEM, "nuclei", seed=seed, shape=(128, 128))
        plane = stack.camera[20]
        backgrounds.append(float(np.median(plane)))
        scale = intensity_scale(plane)
        foregrounds.append((plane > scale.background + 0.3 * scale.scale).mean())
    assert all(100 < b < 2000 for b in backgrounds)
    assert all(0.001 < f < 0.3 for f in foregrounds)


def test_a_known_bead_is_in_focus_at_its_own_height() -> None:
    stack = simulate_stack(SYSTEM, "beads", seed=1, shape=SHAPE, noise="low")
    inside = stack.emitters_um[np.abs(stack.emitters_um[:, 0]) < 9]
    brightest = []
    for z, y, x in inside:
        row, column = round(y / 0.325) % SHAPE[0], round(x / 0.325) % SHAPE[1]
        profile = stack.noise_free[:, row, column]
        brightest.append(stack.z_um[profile.argmax()] - z)
    assert np.median(np.abs(brightest)) <= 0.5


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"specimen": "zebra"}, "unknown specimen 'zebra'; expected one of beads"),
        ({"shape": (8, 8)}, "8×8 px; expected"),
        ({"shape": (33, 64)}, "even sides"),
    ],
)
def test_wrong_arguments(arguments: dict[str, object], message: str) -> None:
    with pytest.raises(DeepZError, match=message):
        simulate_stack(SYSTEM, **{"specimen": "beads", "seed": 0, "shape": SHAPE} | arguments)  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def microscope() -> WideField:
    system = SYSTEM.model_copy(update={"z_range_um": 2.0})
    psf = PsfParameters.draw(system, torch.Generator().manual_seed(3))
    return WideField(specimen_volume(system, SHAPE), system.z_range_um, psf)


def test_a_stack_acquired_by_hand_is_the_one_that_is_simulated(microscope: WideField) -> None:
    system = SYSTEM.model_copy(update={"z_range_um": 2.0})
    generator, settings = (torch.Generator().manual_seed(3) for _ in range(2))
    emitters = draw_specimen("clusters", microscope.volume, generator)
    ours = acquire_stack(
        system,
        emitters,
        microscope,
        Exposure.draw("low", settings),
        specimen="clusters",
        seed=3,
        generator=generator,
    )
    theirs = simulate_stack(
        system, "clusters", seed=3, shape=SHAPE, noise="low", microscope=microscope
    )
    assert np.array_equal(ours.camera, theirs.camera)
    assert np.array_equal(ours.noise_free, theirs.noise_free)
    assert np.array_equal(ours.emitters_um, emitters.positions_um.numpy())
    assert (ours.specimen, ours.seed, ours.psf) == ("clusters", 3, microscope.parameters)


def test_a_confocal_stack_is_in_the_grey_levels_of_the_wide_field_one() -> None:
    laser = Confocal(excitation_wavelength_um=0.55)
    system = SYSTEM.model_copy(update={"z_range_um": 2.0, "confocal": laser})
    stack = simulate_stack(system, "texture", seed=3, shape=SHAPE, noise="low")
    assert stack.ground_truth is stack.confocal is not None
    assert stack.confocal.shape == stack.noise_free.shape
    wide, confocal = (intensity_scale(x.max(axis=0)) for x in (stack.noise_free, stack.confocal))
    assert confocal.background == pytest.approx(wide.background, rel=0.05)
    assert confocal.scale == pytest.approx(wide.scale, rel=0.1)
    # All light of the specimen is in every wide-field plane, and not in the confocal ones.
    light = [
        x.sum(axis=(1, 2)) - wide.background * x[0].size
        for x in (stack.noise_free, stack.ground_truth)
    ]
    assert light[0].min() > 0.9 * light[0].max()
    assert light[1].min() < 0.6 * light[1].max()


def test_without_a_confocal_microscope_the_ground_truth_is_the_stack_itself() -> None:
    stack = simulate_stack(
        SYSTEM.model_copy(update={"z_range_um": 1.0}), "beads", seed=3, shape=SHAPE
    )
    assert stack.confocal is None
    assert stack.ground_truth is stack.noise_free


def test_exposure_and_camera_can_be_chosen(microscope: WideField) -> None:
    beads = scattered_beads(microscope.volume, 3, 1.0, torch.Generator().manual_seed(0))
    camera = Camera(offset=50, electrons_per_grey_level=2, read_noise=0, full_well=1000)
    stack = acquire_stack(
        SYSTEM,
        beads,
        microscope,
        Exposure(peak=5000, background=20),
        specimen="beads",
        seed=0,
        generator=torch.Generator().manual_seed(0),
        camera=camera,
    )
    assert stack.noise_free.max() == stack.camera.max() == 50 + 1000 / 2
    assert np.median(stack.noise_free) == pytest.approx(50 + 20 / 2, rel=0.1)
    # Integer grey levels of Poisson noise of about 20 electrons, 2 to a grey level.
    dark = stack.noise_free < 61
    assert (stack.camera - stack.noise_free)[dark].std() == pytest.approx(np.sqrt(20) / 2, rel=0.1)


def test_scattered_beads_fill_their_layer_evenly() -> None:
    volume = Volume((41, 64, 32), 0.5, 0.5)
    emitters = scattered_beads(volume, 4000, 6.0, torch.Generator().manual_seed(1))
    assert emitters.positions_um.shape == (4000, 3)
    for axis, (low, high) in enumerate([(-6, 6), (0, 32), (0, 16)]):
        places = emitters.positions_um[:, axis].numpy()
        assert low <= places.min() < places.max() <= high
        counts, _ = np.histogram(places, bins=4, range=(low, high))
        assert counts == pytest.approx(np.full(4, 1000), rel=0.12)
    assert torch.all(emitters.radius_um == BEAD_RADIUS_UM)
    assert torch.log(emitters.light).std().item() == pytest.approx(0.25, rel=0.1)


def test_scattered_beads_are_as_many_as_asked_for_and_of_their_seed() -> None:
    volume = Volume((41, 64, 32), 0.5, 0.5)
    one, same, other = (
        scattered_beads(volume, 5, 6.0, torch.Generator().manual_seed(seed)) for seed in (1, 1, 2)
    )
    assert len(one.positions_um) == len(one.light) == len(one.radius_um) == 5
    assert torch.equal(one.positions_um, same.positions_um)
    assert torch.equal(one.light, same.light)
    assert not torch.equal(one.positions_um, other.positions_um)


def test_beads_lie_on_the_surface_that_is_asked_for() -> None:
    system = get_system("leica20x_0.8/TxRd")
    stack = simulate_stack(system, "beads", seed=2, shape=(128, 256), surface=Tilt(3, "y", 1.0))
    z, _, x = stack.emitters_um.T
    assert len(z) == round(128 * 256 * 0.325**2 * 461 / 500**2)  # the paper's density
    center_um = 255 / 2 * 0.325
    assert z == pytest.approx(1.0 + math.tan(math.radians(3)) * (x - center_um), abs=0.02)
    with pytest.raises(DeepZError, match=r"a plane tilted by 3° around y .*expected beads"):
        simulate_stack(system, "nuclei", seed=2, shape=(16, 16), surface=Tilt(3))
