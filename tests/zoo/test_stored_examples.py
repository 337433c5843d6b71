from __future__ import annotations

import numpy as np
import pytest

from deepz_zoo.cards.picture import cover_distances
from deepz_zoo.zoo import examples as samples
from deepz_zoo.zoo import list_models
from deepz_zoo.zoo.examples import SHAPE, make_example, noise_free_correlation
from deepz_zoo.zoo.stored_examples import store_stack, stored_stack

SYSTEMS = [manifest.system for manifest in list_models()]


@pytest.mark.parametrize("system", SYSTEMS, ids=[system.name for system in SYSTEMS])
def test_models_of_the_zoo_have_a_stored_example(system):
    stack = stored_stack(system)
    assert stack is not None, f"run: python packaging/write_example.py {system.name}"
    assert stack.camera.shape == stack.ground_truth.shape == (5, *SHAPE)
    np.testing.assert_allclose(
        stack.z_um / system.z_range_um, [-0.5, -0.25, 0, 0.25, 0.5], atol=system.z_step_um / 2
    )
    for dz in cover_distances(system):
        assert np.abs(stack.z_um - dz).min() < 1e-6
    # noise and nothing else lies between what the camera saw and what was there
    difference = stack.camera - stack.noise_free
    assert noise_free_correlation(stack) > 0.9
    assert abs(difference.mean()) < 0.1 * difference.std()


def test_stored_planes_are_those_of_the_stack(example, tmp_path, monkeypatch):
    stack = example.stack
    store_stack(tmp_path, stack)
    monkeypatch.setattr("deepz_zoo.zoo.stored_examples.files", lambda package: tmp_path)
    (tmp_path / "stored").mkdir()
    store_stack(tmp_path / "stored", stack)
    stored = stored_stack(stack.system)
    assert stored is not None
    middle = len(stack.z_um) // 2
    np.testing.assert_array_equal(stored.camera[2], stack.camera[middle])
    np.testing.assert_allclose(stored.noise_free[2], stack.noise_free[middle], atol=0.5)
    assert stored.z_um[2] == stack.z_um[middle] == 0
    other = stack.system.model_copy(update={"pixel_size_um": 0.5})
    assert stored_stack(other) is None


def test_a_stored_example_spares_the_simulation(monkeypatch):
    monkeypatch.setattr(samples, "simulate_stack", None)
    example = make_example(SYSTEMS[0])
    assert example.image.shape == SHAPE
    assert example.image.dtype == np.float32
