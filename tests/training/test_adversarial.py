"""Adversarial training against its equations and its count of updates."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import pytorch_lightning as pl
import torch
from torch.utils.data import DataLoader

from deepz_zoo.network.discriminator import Discriminator
from deepz_zoo.training.adversarial import AdversarialTraining, make_training
from deepz_zoo.training.module import GeneratorTraining

pytestmark = pytest.mark.slow


@pytest.fixture
def batch() -> dict[str, torch.Tensor]:
    rng = torch.Generator().manual_seed(0)
    return {
        "input": torch.rand(2, 2, 32, 32, generator=rng),
        "target": torch.rand(2, 1, 32, 32, generator=rng),
    }


class Watched(AdversarialTraining):
    """Records the loss of each update, and which weights it changed."""

    def __init__(self, settings) -> None:
        super().__init__(settings)
        self.updates: list[tuple[str, float, set[str]]] = []
        self.at_discriminator: tuple[np.ndarray, np.ndarray] | None = None

    def update(self, optimizer, name, loss, batch) -> None:
        if name == "discriminator loss" and self.at_discriminator is None:
            with torch.no_grad():
                self.at_discriminator = tuple(
                    self.discriminator(x).double().numpy()
                    for x in (self.generator(batch["input"]), batch["target"])
                )
        before = {n: p.detach().clone() for n, p in self.named_parameters()}
        super().update(optimizer, name, loss, batch)
        changed = {n.split(".")[0] for n, p in self.named_parameters() if not p.equal(before[n])}
        self.updates.append((name, float(loss.detach()), changed))


@pytest.fixture
def trained(adversarial, batch) -> tuple[Watched, dict[str, np.ndarray]]:
    """One iteration; with the scores and the output that the first update started from."""
    torch.manual_seed(3)
    module = Watched(adversarial)
    with torch.no_grad():
        refocused = module.generator(batch["input"])
        start = {
            "refocused": refocused.double().numpy(),
            "scores": module.discriminator(refocused).double().numpy(),
        }
    pairs: Any = [{name: tensor[i] for name, tensor in batch.items()} for i in range(2)]
    trainer = pl.Trainer(
        accelerator="cpu", max_steps=9, logger=False, enable_checkpointing=False,
        enable_progress_bar=False, enable_model_summary=False, limit_val_batches=0,
    )  # fmt: skip
    trainer.fit(module, DataLoader(pairs, batch_size=2))
    assert trainer.global_step == 9
    return module, start


def test_an_iteration_is_six_updates_of_the_generator_and_three_of_the_discriminator(
    trained,
) -> None:
    updates = trained[0].updates
    assert [name for name, _, _ in updates] == 6 * ["generator loss"] + 3 * ["discriminator loss"]
    changed = [networks for _, _, networks in updates]
    assert changed == 6 * [{"generator"}] + 3 * [{"discriminator"}], "neither touches the other"


def test_losses_are_the_equations_by_hand(trained, batch) -> None:
    module, start = trained
    n, pixels = 2, 32 * 32
    target = batch["target"].double().numpy()
    squares = sum(float(start["scores"][i, 0] - 1) ** 2 for i in range(n))
    errors = sum(np.abs(start["refocused"][i] - target[i]).sum() / pixels for i in range(n))
    by_equation_4 = squares / (2 * n) + 0.02 * errors / (2 * n)
    assert module.updates[0][1] == pytest.approx(by_equation_4, rel=1e-5)

    of_refocused, of_targets = module.at_discriminator
    by_equation_5 = sum(
        float(of_refocused[i, 0]) ** 2 + float(of_targets[i, 0] - 1) ** 2 for i in range(n)
    ) / (2 * n)
    assert module.updates[6][1] == pytest.approx(by_equation_5, rel=1e-5)


def test_optimizers_are_adam_with_the_paper_s_rates(settings) -> None:
    paper = settings.model_copy(update={"adversarial": True, "learning_rate": 1e-4})
    module = make_training(paper)
    optimizers = module.configure_optimizers()
    assert [type(o) for o in optimizers] == 2 * [torch.optim.Adam]
    assert [o.param_groups[0]["lr"] for o in optimizers] == [1e-4, 3e-5]
    assert [o.param_groups[0]["weight_decay"] for o in optimizers] == [0, 0]
    assert type(make_training(settings)) is GeneratorTraining


def test_the_discriminator_sees_images_alone() -> None:
    assert Discriminator(0.08)(torch.zeros(2, 1, 32, 32)).shape == (2, 1)
