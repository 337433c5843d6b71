"""Sources of pairs: simulated stacks and prepared datasets behave alike."""

from __future__ import annotations

import json
import pickle

import numpy as np
import pytest
import torch

from deepz_zoo.errors import DeepZError
from deepz_zoo.intensities import intensity_scale
from deepz_zoo.optics import Confocal
from deepz_zoo.optics.psf import PsfParameters
from deepz_zoo.preprocess.dataset.storage import Pair
from deepz_zoo.simulate import simulate_stack
from deepz_zoo.simulate.stack import make_microscope
from deepz_zoo.training.simulation import build_cache
from deepz_zoo.training.sources import PreparedPairs, SimulatedPairs


def test_pairs_lie_within_the_axial_range_and_half_of_the_targets_are_sharp(cache) -> None:
    rng = np.random.default_rng(0)
    source = SimulatedPairs(cache, range(5))
    pairs = [source.draw((0.0, 4.0), rng) for _ in range(400)]
    distances = np.array([p.distance_um for p in pairs])
    assert distances == pytest.approx([cache.z_um[p.target] - cache.z_um[p.source] for p in pairs])
    assert np.abs(distances).max() <= 4.0
    assert (distances > 0).mean() == pytest.approx((distances < 0).mean(), abs=0.15)
    assert 0.02 < (distances == 0).mean() < 0.25
    ranks = [(cache.contrast[p.region] > cache.contrast[p.region, p.target]).mean() for p in pairs]
    assert np.median(ranks) < 0.35


def test_the_simulated_scale_is_that_of_the_single_plane(cache) -> None:
    source = SimulatedPairs(cache, range(5))
    pair = source.draw((0.0, 10.0), np.random.default_rng(0))
    expected = intensity_scale(source.image(pair))
    found = source.single_image_scale(pair)
    assert found.background == pytest.approx(expected.background, rel=1e-5)
    assert found.scale == pytest.approx(expected.scale, rel=1e-5)


def test_a_cache_is_handed_to_another_process_by_its_folder(cache) -> None:
    message = pickle.dumps(cache)
    assert len(message) < 2000
    assert np.array_equal(pickle.loads(message).light, cache.light)


def test_a_finished_simulation_is_opened_and_another_ones_refused(cache, folder, system) -> None:
    again = build_cache(folder, system, stacks=5, stack_px=48, seed=0, progress_bar=False)
    assert np.array_equal(again.light[4], cache.light[4])
    with pytest.raises(DeepZError, match="other settings"):
        build_cache(folder, system, stacks=5, stack_px=48, seed=1, progress_bar=False)


def test_stacks_that_say_less_of_their_system_are_opened(cache, folder, system) -> None:
    """A field that the description of systems gained has its default in older folders."""
    described = folder / "settings.json"
    whole = described.read_text()
    settings = json.loads(whole)
    del settings["system"]["specimens"], settings["system"]["confocal"]
    described.write_text(json.dumps(settings))
    again = build_cache(folder, system, stacks=5, stack_px=48, seed=0, progress_bar=False)
    assert np.array_equal(again.light[4], cache.light[4])
    assert described.read_text() == whole
    other = system.model_copy(update={"specimens": ("beads",)})
    with pytest.raises(DeepZError, match="other settings"):
        build_cache(folder, other, stacks=5, stack_px=48, seed=0, progress_bar=False)


def test_the_planes_of_a_pair_are_those_of_its_stack(cache, system) -> None:
    """The light of a simulated stack, exposed: without noise it is the simulator's own."""
    source, pair = SimulatedPairs(cache, range(5)), Pair(0, 10, 20, 5.0)
    psf = PsfParameters.draw(system, torch.Generator().manual_seed(0))
    stack = simulate_stack(
        system, system.specimens[0], seed=0, shape=(48, 48), noise="low",
        microscope=make_microscope(system, (48, 48), psf),
    )  # fmt: skip
    target, same = source.target(pair), stack.noise_free[20]
    assert np.corrcoef(target.ravel(), same.ravel())[0, 1] > 0.999
    image = source.image(pair)
    assert np.array_equal(image, source.image(pair)), "the same noise each time"
    assert np.array_equal(image, image.round())
    noise = image - source.target(Pair(0, 10, 10, 0.0))
    electrons = 0.46 * (source.target(Pair(0, 10, 10, 0.0)) - 100)
    expected = np.sqrt(electrons + 1.6**2) / 0.46
    assert np.std(noise / expected) == pytest.approx(1, abs=0.05)


def test_the_target_of_a_confocal_system_is_its_confocal_plane(system, tmp_path) -> None:
    laser = Confocal(excitation_wavelength_um=0.55)
    system = system.model_copy(
        update={"z_range_um": 1.0, "specimens": ("texture",), "confocal": laser}
    )
    cache = build_cache(tmp_path, system, stacks=2, stack_px=48, seed=0, progress_bar=False)
    source = SimulatedPairs(cache, range(1))
    psf = PsfParameters.draw(system, torch.Generator().manual_seed(0))
    stack = simulate_stack(
        system, "texture", seed=0, shape=(48, 48), noise="low",
        microscope=make_microscope(system, (48, 48), psf),
    )  # fmt: skip
    target = source.target(Pair(0, 1, 2, 0.5))
    assert np.corrcoef(target.ravel(), stack.ground_truth[2].ravel())[0, 1] > 0.999
    assert np.corrcoef(target.ravel(), stack.noise_free[2].ravel())[0, 1] < 0.995
    # Both have the same background and scale in the stack, so that one scale normalizes both.
    scale = source.stack_scale(Pair(0, 1, 2, 0.5))
    brightest = np.max([source.target(Pair(0, 1, z, 0.0)) for z in range(len(cache.z_um))], axis=0)
    assert intensity_scale(brightest).scale == pytest.approx(scale.scale, rel=0.15)


def test_prepared_pairs_are_those_of_their_split_and_distance(dataset) -> None:
    source = PreparedPairs(dataset, "training")
    rng = np.random.default_rng(0)
    drawn = [source.draw((0.25, 0.75), rng) for _ in range(100)]
    assert {pair.region for pair in drawn} == {0}
    assert {abs(pair.distance_um) for pair in drawn} == {0.5}
    assert {pair.distance_um for pair in drawn} == {-0.5, 0.5}
    assert len({(p.source, p.target) for p in drawn}) == 4, "all of them in time"
    anything = source.draw((5.0, 10.0), rng)
    assert anything in source.pairs
    assert np.array_equal(source.target(anything), dataset.images[0, anything.target])


def test_a_target_of_another_modality_takes_the_scale_of_its_input(confocal, dataset) -> None:
    """The confocal target is a linear function of the input: mapped back, it is the input."""
    source, same = PreparedPairs(confocal, "training"), PreparedPairs(dataset, "training")
    for pair in source.pairs:
        assert source.target(pair) == pytest.approx(same.target(pair), rel=2e-3)


def test_an_empty_split_is_refused(dataset) -> None:
    with pytest.raises(DeepZError, match="no test pairs"):
        PreparedPairs(dataset, "test")
