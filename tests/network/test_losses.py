"""Losses: their formulas by hand, and what they reward."""

from __future__ import annotations

import pytest
import torch

from deepz_zoo.network.losses import AdversarialGeneratorLoss, RelativeLoss, discriminator_loss

SCORES = torch.tensor([[0.25], [0.75]])
REFOCUSED = torch.tensor([[0.0, 1.0], [2.0, 1.0]]).reshape(2, 1, 1, 2)
TARGET = torch.tensor([[1.0, 1.0], [2.0, 4.0]]).reshape(2, 1, 1, 2)
# Eq. (4) by hand, N = 2: sums of squares 0.75² + 0.25², of MAE 0.5 + 1.5
SQUARES, ERRORS = 0.625 / 4, 2.0 / 4


def test_the_relative_loss_does_not_reward_dimming() -> None:
    target = torch.zeros(1, 1, 64, 64)
    target[..., 20:24, 20:24] = 50.0
    loss = RelativeLoss()
    values = [loss(share * target, target).item() for share in (0.0, 0.5, 0.9, 1.0)]
    assert values == sorted(values, reverse=True)
    assert values[-1] == 0
    brighter = loss(3 * 0.5 * target, 3 * target).item()
    assert brighter == pytest.approx(values[1], rel=1e-5), "independent of the brightness"


def test_the_generator_s_loss_is_equation_4() -> None:
    assert AdversarialGeneratorLoss()(SCORES, REFOCUSED, TARGET).item() == pytest.approx(
        SQUARES + 0.02 * ERRORS
    )
    other = AdversarialGeneratorLoss(0.1, "adversarial")
    assert other(SCORES, REFOCUSED, TARGET).item() == pytest.approx(0.1 * SQUARES + ERRORS)
    assert other.extra_repr() == "0.1·½(D(G(x)) - 1)² + 1·½ MAE(G(x), z)"


def test_the_discriminator_s_loss_is_equation_5() -> None:
    loss = discriminator_loss(SCORES, 1 - SCORES)
    assert loss.item() == pytest.approx(2 * 0.625 / 4)
    assert discriminator_loss(torch.zeros(3, 1), torch.ones(3, 1)) == 0
