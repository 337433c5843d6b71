"""Patches of prepared pairs: cut, scaled and augmented, and numbered through the run."""

from __future__ import annotations

import torch

from deepz_zoo.training.patches import PatchPairs
from deepz_zoo.training.sources import PreparedPairs

PLAIN = {"scale_jitter": 0.0, "background_jitter": 0.0, "single_image_fraction": 1.0}


def test_a_number_is_a_patch_in_any_process(dataset, settings) -> None:
    patches = PatchPairs([PreparedPairs(dataset, "training")], settings, seed=0)
    for name in ("input", "target"):
        assert torch.equal(patches.patch(5, 32, (0, 9))[name], patches.patch(5, 32, (0, 9))[name])
    one, other = (patches.patch(n, 32, (0, 9))["target"] for n in (4, 5))
    assert one.shape == (1, 32, 32)
    assert not torch.equal(one, other)


def test_augmentation_turns_and_flips_input_and_target_alike(dataset, settings) -> None:
    """With the same plane as input and target they stay the same image, in all eight ways."""
    pairs = [pair for pair in dataset.pairs("training") if (pair.source, pair.target) == (1, 1)]
    dataset.pairs = lambda split: pairs
    source = PreparedPairs(dataset, "training")
    for turn, ways in ((True, 8), (False, 1)):
        plain = settings.model_copy(update=PLAIN | {"turn": turn})
        patches = PatchPairs([source], plain, seed=0)
        samples = [patches.patch(number, 64, (0, 9)) for number in range(60)]
        assert all(torch.equal(sample["input"][:1], sample["target"]) for sample in samples)
        assert len({sample["target"].numpy().tobytes() for sample in samples}) == ways


def test_scales_are_those_of_single_planes_and_stacks(dataset, settings) -> None:
    source = PreparedPairs(dataset, "training")
    for fraction, scale in ((1.0, source.single_image_scale), (0.0, source.stack_scale)):
        plain = settings.model_copy(update=PLAIN | {"single_image_fraction": fraction})
        patches = PatchPairs([source], plain, seed=0)
        found = {
            round(patches.patch(number, 64, (0, 9))["input"][0].mean().item(), 4)
            for number in range(40)
        }
        expected = {
            round(float(scale(pair).apply(source.image(pair)).mean()), 4) for pair in source.pairs
        }
        assert found <= expected
