"""Batches of a training: numbered through the run, and divided among sources."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from deepz_zoo.errors import DeepZError
from deepz_zoo.training.batches import TrainingBatches, farthest_um
from deepz_zoo.training.data import IterationNumbers, PatchData
from deepz_zoo.training.patches import PatchPairs
from deepz_zoo.training.simulated_batches import SimulatedBatches
from deepz_zoo.training.sources import PreparedPairs, SimulatedPairs
from deepz_zoo.training.validation import ValidationPairs


def batches_of(cache, system, settings, **options) -> TrainingBatches:
    simulated = SimulatedBatches(cache, range(4), system, settings)
    given: dict[str, Any] = {"simulated": simulated, "prepared": None, "seed": 0} | options
    return TrainingBatches(system, settings, **given)


def test_large_and_small_patches_take_turns(cache, system, settings) -> None:
    batches = batches_of(cache, system, settings.model_copy(update={"surface_fraction": 0.0}))
    held = farthest_um(system, 32)
    for iteration in range(8):
        sample = batches[iteration]
        size = 48 if iteration % 2 == 0 else 32
        assert sample["input"].shape == (2, 2, size, size)
        assert sample["target"].shape == (2, 1, size, size)
        for dpm in 10 * sample["input"][:, 1].abs():
            distance = dpm[0, 0].item()
            assert dpm == pytest.approx(distance)
            shortest, farthest = (0, held) if size == 32 else (held, system.z_range_um)
            assert shortest - 1e-3 <= distance <= farthest + 1e-3
        assert torch.isfinite(sample["target"]).all()


def test_small_patches_hold_short_distances(system) -> None:
    """A bead at 10 µm of a 20x/0.8 is 80 px wide: half of 160 px."""
    assert farthest_um(system, 160) == pytest.approx(9.75)
    assert farthest_um(system, 80) == pytest.approx(4.875)
    assert farthest_um(system, 512) == system.z_range_um


def test_an_iteration_is_a_batch_before_and_after_a_resume(cache, system, settings) -> None:
    batches, again = (batches_of(cache, system, settings) for _ in range(2))
    assert torch.equal(batches[3]["input"], again[3]["input"])
    assert not torch.equal(batches[3]["input"], batches[5]["input"])
    other_process = batches_of(cache, system, settings, rank=1, processes=2)
    assert not torch.equal(batches[3]["input"], other_process[3]["input"])
    other_run = batches_of(cache, system, settings, seed=1)
    assert not torch.equal(batches[3]["input"], other_run[3]["input"])


def test_iterations_go_on_where_a_run_stopped() -> None:
    done = 0
    numbers = IterationNumbers(2, lambda: done)
    assert list(numbers) == [0, 1]
    done = 2
    assert list(numbers) == [2, 3]


def test_prepared_patches_are_divided_among_processes(dataset, system, settings) -> None:
    prepared = PatchPairs([PreparedPairs(dataset, "training")], settings, seed=0)
    first, second = (
        TrainingBatches(
            system, settings, simulated=None, prepared=prepared, seed=0, rank=rank, processes=2
        )
        for rank in (0, 1)
    )
    seen = [image for batches in (first, second) for i in range(4) for image in batches[i]["input"]]
    patches = {round(image.double().sum().item(), 6) for image in seen}
    assert len(patches) == 16, "nothing twice"


def test_batches_are_divided_among_sources(dataset, cache, system, settings) -> None:
    prepared = PatchPairs([PreparedPairs(dataset, "training")], settings, seed=0)
    batches = batches_of(cache, system, settings, prepared=prepared)
    simulated = [batches._is_simulated(iteration) for iteration in range(400)]
    assert sum(simulated) / 400 == pytest.approx(settings.simulated_fraction, abs=0.08)


def test_validation_pairs_are_raw_and_fixed(cache) -> None:
    source = SimulatedPairs(cache, range(3, 5))
    pairs = [ValidationPairs(source, 10.0, 4) for _ in range(2)]
    assert pairs[0].pairs == pairs[1].pairs
    assert {p.region for p in pairs[0].pairs} <= {3, 4}
    sample = pairs[0][0]
    assert sample["input"][0].min() >= 0, "grey levels"
    assert sample["input"][1].abs().max() <= 10, "µm"
    assert sample["stack_scale"].shape == (2,)


def test_sources_are_datasets_and_stacks(dataset, folder, system, settings, cache) -> None:
    data = PatchData(system, settings, stacks_folder=folder, datasets=[dataset], progress_bar=False)
    data.setup()
    names = [type(source).__name__ for source in data.training_sources()]
    assert names == ["PreparedPairs", "SimulatedPairs"]
    only = PatchData(system, settings, datasets=[dataset], progress_bar=False)
    only.setup()
    assert len(only.training_sources()) == 1
    assert [source.shape for source in only.validation_sources()] == [(64, 64)]


def test_patches_larger_than_the_regions_are_refused(dataset, system, settings) -> None:
    large = settings.model_copy(update={"patch_px": 96, "stack_px": 96})
    with pytest.raises(DeepZError, match="regions of 64 px, less than the patches of 96 px"):
        PatchData(system, large, datasets=[dataset])
    with pytest.raises(DeepZError, match="nothing to train on"):
        PatchData(system, settings)
