"""The weights that a training keeps are their exponential moving average."""

import pytest
import pytorch_lightning as pl
import torch
from torch.utils.data import DataLoader, TensorDataset

from deepz_zoo.training.averaging import Averaging


class Falling(pl.LightningModule):
    """One weight, which is -1, -2, -3, … after the iterations."""

    def __init__(self) -> None:
        super().__init__()
        self.weight = torch.nn.Parameter(torch.zeros(()))

    def training_step(self, batch: torch.Tensor) -> torch.Tensor:
        return self.weight

    def configure_optimizers(self) -> torch.optim.Optimizer:
        return torch.optim.SGD(self.parameters(), lr=1.0)


def test_the_module_has_the_average_in_the_end() -> None:
    module = Falling()
    trainer = pl.Trainer(
        accelerator="cpu", max_steps=3, callbacks=[Averaging(0.75)], logger=False,
        enable_checkpointing=False, enable_progress_bar=False, enable_model_summary=False,
    )  # fmt: skip
    trainer.fit(module, DataLoader(TensorDataset(torch.zeros(8, 1))))
    # -1 to begin with, then 3/4 of the average and 1/4 of the weight.
    assert module.weight.item() == pytest.approx(0.75 * (0.75 * -1 + 0.25 * -2) + 0.25 * -3)
