"""The training step of a generator."""

from __future__ import annotations

import math
from typing import Any

import pytorch_lightning as pl
import torch

from deepz_zoo.network.generator import Generator
from deepz_zoo.network.losses import RelativeLoss
from deepz_zoo.network.wrapper import DeepZModel
from deepz_zoo.training.data import Sample
from deepz_zoo.training.presets import TrainingSettings


class GeneratorTraining(pl.LightningModule):
    """Trains a generator by the difference of its output from the true plane."""

    def __init__(self, settings: TrainingSettings) -> None:
        super().__init__()
        self.run_settings = settings
        self.generator = Generator(settings.generator)
        for weights in self.generator.parameters():
            if weights.dim() == 4:
                weights.data = weights.data.contiguous(memory_format=torch.channels_last)
        self.loss = RelativeLoss()
        self.model = DeepZModel(self.generator)

    def training_step(self, batch: Sample, batch_idx: int) -> torch.Tensor:
        """Compare normalized patches."""
        inputs = batch["input"].contiguous(memory_format=torch.channels_last)
        loss: torch.Tensor = self.loss(self.generator(inputs).float(), batch["target"])
        self.log("train_loss", loss, prog_bar=True)
        return loss

    def validation_step(self, batch: Sample, batch_idx: int) -> None:
        """Run the graph of the users and compare in units of each stack's scale."""
        target = batch["target"]
        refocused = self.model(batch["input"]).float()
        scale = batch["scale"][:, None, None, None]
        mae = ((refocused - target) / scale).abs().mean()
        deviations = [x - x.mean(dim=(1, 2, 3), keepdim=True) for x in (refocused, target)]
        product = (deviations[0] * deviations[1]).mean(dim=(1, 2, 3))
        spreads = [d.square().mean(dim=(1, 2, 3)).sqrt() for d in deviations]
        correlation = (product / (spreads[0] * spreads[1]).clamp(min=1e-6)).mean()
        error = (refocused - target).square().mean(dim=(1, 2, 3)).sqrt()
        self.log("val_mae", mae, prog_bar=True, batch_size=len(target))
        self.log("val_correlation", correlation, prog_bar=True, batch_size=len(target))
        self.log("val_error_over_rms", (error / spreads[1]).mean(), batch_size=len(target))

    def configure_optimizers(self) -> Any:
        """AdamW with a rate that rises, stays, and falls over the last part of the run."""
        settings = self.run_settings
        optimizer = torch.optim.AdamW(
            self.generator.parameters(), settings.learning_rate, weight_decay=settings.weight_decay
        )
        schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, self._relative_rate)
        return {
            "optimizer": optimizer,
            "lr_scheduler": {"scheduler": schedule, "interval": "step"},
        }

    def _relative_rate(self, step: int) -> float:
        settings = self.run_settings
        rise = min(1.0, (step + 1) / settings.warmup_steps)
        decay_steps = settings.decay_fraction * settings.max_steps
        left = (settings.max_steps - step) / decay_steps if decay_steps else 1.0
        return rise * (0.5 - 0.5 * math.cos(math.pi * min(1.0, max(0.0, left))))
