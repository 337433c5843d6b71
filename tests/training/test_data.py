"""Patches: cut, scaled and augmented alike from every source, and numbered through the run."""

from __future__ import annotations

import pytest
import torch

from deepz_zoo.errors import DeepZError
from deepz_zoo.training.data import (
    PatchData,
    PatchNumbers,
    PatchPairs,
    ValidationPairs,
    farthest_um,
)
from deepz_zoo.training.sources import PreparedPairs, SimulatedPairs


@pytest.fixture
def patches(cache, system, settings) -> PatchPairs:
    source = SimulatedPairs(cache, range(5))
    return PatchPairs([(source, 1.0)], system, settings, seed=0, iteration_patches=2)


def test_a_patch_is_a_pair_of_its_distance(patches, system) -> None:
    for number in range(8):
        sample = patches[number]
        # Iterations of two patches take turns: large patches, then small ones.
        size = 48 if number // 2 % 2 == 0 else 32
        assert sample["input"].shape == (2, size, size)
        assert sample["target"].shape == (1, size, size)
        assert sample["input"][1].unique().numel() == 1
        held, distance = farthest_um(system, 32), 10 * sample["input"][1, 0, 0].abs()
        assert distance <= held if size == 32 else held <= distance <= system.z_range_um
        assert torch.isfinite(sample["target"]).all()


def test_small_patches_hold_short_distances(system) -> None:
    """A bead at 10 µm of a 20x/0.8 is 80 px wide: half of 160 px."""
    assert farthest_um(system, 160) == pytest.approx(9.75)
    assert farthest_um(system, 80) == pytest.approx(4.875)
    assert farthest_um(system, 512) == system.z_range_um


def test_a_number_is_a_patch_in_any_process(patches) -> None:
    for name in ("input", "target"):
        assert torch.equal(patches[5][name], patches[5][name])
    assert not torch.equal(patches[4]["target"], patches[5]["target"])


def test_processes_and_parts_of_a_run_divide_the_numbers() -> None:
    def numbers(rank: int, done: int) -> list[list[int]]:
        return list(PatchNumbers(3, 2, lambda: done, rank=rank, processes=2))

    assert numbers(0, 0) == [[0, 1, 2], [6, 7, 8]]
    assert numbers(1, 0) == [[3, 4, 5], [9, 10, 11]]
    everything = [n for done in (0, 2) for rank in (0, 1) for b in numbers(rank, done) for n in b]
    assert sorted(everything) == list(range(24)), "nothing twice, nothing left out"


def test_augmentation_turns_and_flips_input_and_target_alike(dataset, system, settings) -> None:
    """With the same plane as input and target they stay the same image, in all eight ways."""
    pairs = [pair for pair in dataset.pairs("training") if (pair.source, pair.target) == (1, 1)]
    dataset.pairs = lambda split: pairs
    source = PreparedPairs(dataset, "training")
    changes = {"patch_px": 64, "stack_px": 64, "small_fraction": 0.0, "scale_jitter": 0.0,
               "background_jitter": 0.0, "single_image_fraction": 1.0}  # fmt: skip
    plain = settings.model_copy(update=changes)
    patches = PatchPairs([(source, 1.0)], system, plain, seed=0, iteration_patches=1)
    samples = [patches[number] for number in range(60)]
    assert all(torch.equal(sample["input"][:1], sample["target"]) for sample in samples)
    assert len({sample["target"].numpy().tobytes() for sample in samples}) == 8


def test_scales_are_those_of_single_planes_and_stacks(dataset, system, settings) -> None:
    source = PreparedPairs(dataset, "training")
    for fraction, scale in ((1.0, source.single_image_scale), (0.0, source.stack_scale)):
        changes = {"patch_px": 64, "stack_px": 64, "small_fraction": 0.0, "scale_jitter": 0.0,
                   "background_jitter": 0.0, "single_image_fraction": fraction}  # fmt: skip
        plain = settings.model_copy(update=changes)
        patches = PatchPairs([(source, 1.0)], system, plain, seed=0, iteration_patches=1)
        found = {round(patches[number]["input"][0].mean().item(), 4) for number in range(40)}
        expected = {
            round(float(scale(pair).apply(source.image(pair)).mean()), 4) for pair in source.pairs
        }
        assert found <= expected


def test_validation_pairs_are_raw_and_fixed(cache) -> None:
    source = SimulatedPairs(cache, range(3, 5))
    pairs = [ValidationPairs(source, 10.0, 4) for _ in range(2)]
    assert pairs[0].pairs == pairs[1].pairs
    assert {p.region for p in pairs[0].pairs} <= {3, 4}
    sample = pairs[0][0]
    assert sample["input"][0].min() >= 0, "grey levels"
    assert sample["input"][1].abs().max() <= 10, "µm"
    assert sample["stack_scale"].shape == (2,)


def test_patches_are_divided_among_sources(dataset, folder, system, settings, cache) -> None:
    data = PatchData(system, settings, stacks_folder=folder, datasets=[dataset], progress_bar=False)
    data.setup()
    fractions = {type(source).__name__: part for source, part in data.training_sources()}
    assert fractions == {"PreparedPairs": 0.5, "SimulatedPairs": 0.5}
    only = PatchData(system, settings, datasets=[dataset], progress_bar=False)
    only.setup()
    assert [fraction for _, fraction in only.training_sources()] == [1.0]
    assert [source.shape for source in only.validation_sources()] == [(64, 64)]


def test_patches_larger_than_the_regions_are_refused(dataset, system, settings) -> None:
    large = settings.model_copy(update={"patch_px": 96, "stack_px": 96})
    with pytest.raises(DeepZError, match="regions of 64 px, less than the patches of 96 px"):
        PatchData(system, large, datasets=[dataset])
    with pytest.raises(DeepZError, match="nothing to train on"):
        PatchData(system, settings)
