"""Presets: the numbers of the Methods, and changes to them."""

from __future__ import annotations

import pytest

from deepz_zoo.errors import DeepZError
from deepz_zoo.training.presets import TRAINING_PRESETS, choose_settings


def test_paper_is_as_in_the_methods() -> None:
    paper = TRAINING_PRESETS["paper"]
    assert paper.adversarial
    assert (paper.learning_rate, paper.discriminator_rate) == (1e-4, 3e-5)
    assert (paper.generator_updates, paper.discriminator_updates) == (6, 3)
    assert (paper.alpha, paper.alpha_weighs) == (0.02, "mae")
    assert (paper.batch_size, paper.patch_px, paper.small_fraction) == (20, 256, 0)
    assert (paper.validate_every, paper.max_steps) == (50, 400_000)
    assert (paper.generator.width, paper.generator.levels) == (1.0, 5)
    assert (paper.average, paper.single_image_fraction) == (0, 0), (
        "the weights, and the stack's scale"
    )
    assert paper.updates == 9


def test_lite_is_not_adversarial_unless_asked() -> None:
    assert not TRAINING_PRESETS["lite"].adversarial
    assert TRAINING_PRESETS["lite"].updates == 1
    asked = choose_settings("lite", {"adversarial": True})
    assert (asked.learning_rate, asked.updates) == (1e-4, 9)
    own = choose_settings("lite", {"adversarial": True, "learning_rate": 3e-4})
    assert own.learning_rate == 3e-4


def test_patches_fit_into_stacks() -> None:
    with pytest.raises(DeepZError, match="patches of 96 and 512 px from stacks of 256 px"):
        choose_settings("lite", {"patch_px": 512})


def test_sizes_but_the_paper_s_are_trained_alike() -> None:
    lite, half, full = (TRAINING_PRESETS[name] for name in ("lite", "half", "full"))
    assert [preset.generator.width for preset in (lite, half, full)] == [0.25, 0.5, 1.0]
    assert full.generator == TRAINING_PRESETS["paper"].generator
    assert not full.adversarial
