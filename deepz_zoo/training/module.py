"""Training of a generator by the difference of its output from the ground truth."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytorch_lightning as pl
import torch
from safetensors.torch import save_file
from torch import nn
from torch.nn.utils import convert_conv2d_weight_memory_format

from deepz_zoo.errors import DeepZError
from deepz_zoo.network.generator import Generator
from deepz_zoo.network.graph.wrapper import DeepZModel
from deepz_zoo.network.losses import RelativeLoss
from deepz_zoo.training.presets import TrainingSettings
from deepz_zoo.training.simulated_batches import Sample

BAD_BATCH_NAME = "bad_batch"
"""Beginning of the names of files with a batch whose loss is not finite."""


class GeneratorTraining(pl.LightningModule):
    """Trains a generator by `RelativeLoss`, and validates it in the graph that users run."""

    loss: nn.Module

    def __init__(self, settings: TrainingSettings) -> None:
        super().__init__()
        self.run_settings = settings
        self.generator = Generator(settings.generator)
        convert_conv2d_weight_memory_format(self.generator, torch.channels_last)
        self.loss = RelativeLoss()
        self.model = DeepZModel(self.generator)
        self._run: Callable[[torch.Tensor], torch.Tensor] = self.generator.forward
        self._started: float | None = None

    def compile_networks(self) -> None:
        """Compile the trained network by `torch.compile`, for each size of patch by itself.

        Validation has images of other sizes, and runs it as it is.
        """
        self._run = torch.compile(self.generator.forward, dynamic=False)

    @property
    def iterations_done(self) -> int:
        """Number of iterations so far."""
        return self.trainer.global_step // self.run_settings.updates

    def refocus(self, batch: Sample) -> torch.Tensor:
        """Run the generator on normalized patches (b, 2, y, x); return (b, 1, y, x), float32."""
        inputs = batch["input"].contiguous(memory_format=torch.channels_last)
        return self._run(inputs).float()

    def training_step(self, batch: Sample, batch_idx: int) -> torch.Tensor | None:
        """Return the loss of normalized patches."""
        loss: torch.Tensor = self.loss(self.refocus(batch), batch["target"])
        self.stop_unless_finite("loss", loss, batch)
        self.log("train_loss", loss, prog_bar=True)
        return loss

    def stop_unless_finite(self, name: str, loss: torch.Tensor, batch: Sample) -> None:
        """Raise if `loss` is NaN or infinite, before it changes the weights.

        Each process whose loss is not finite writes its batch into the run's folder. All processes
        stop together.

        Raises
        ------
        DeepZError
            With the step, the loss and the file of the batch.
        """
        finite, trainer = bool(torch.isfinite(loss)), self.trainer
        if trainer.strategy.reduce_boolean_decision(finite, all=True):
            return
        step = self.iterations_done
        found = f"another process found a loss that is not finite at step {step}"
        if not finite:
            name_of_file = f"{BAD_BATCH_NAME}_{step}_{trainer.global_rank}.safetensors"
            file = Path(trainer.default_root_dir) / name_of_file
            save_file({key: t.detach().cpu().contiguous() for key, t in batch.items()}, file)
            value = float(loss.detach())
            found = f"the {name} is {value:g} at step {step}; the batch is kept in {file}"
        resumable = any(Path(trainer.default_root_dir).glob("*.ckpt"))
        again = "set `resume` to go on from the last checkpoint" if resumable else "begin again"
        raise DeepZError(
            f"{found}; {again}, with a smaller `learning_rate` or with `precision` 32-true"
        )

    def validation_step(self, batch: Sample, batch_idx: int) -> torch.Tensor:
        """Run the graph, compare in units of each stack's scale, and return the images."""
        target = batch["target"]
        background, scale = batch["stack_scale"][:, :, None, None, None].unbind(dim=1)
        if self.run_settings.single_image_fraction:
            refocused: torch.Tensor = self.model(batch["input"]).float()
        else:
            refocused = self.model.refocus(batch["input"], background, scale).float()
        mae = ((refocused - target) / scale).abs().mean()
        deviations = [x - x.mean(dim=(1, 2, 3), keepdim=True) for x in (refocused, target)]
        product = (deviations[0] * deviations[1]).mean(dim=(1, 2, 3))
        spreads = [d.square().mean(dim=(1, 2, 3)).sqrt() for d in deviations]
        correlation = (product / (spreads[0] * spreads[1]).clamp(min=1e-6)).mean()
        error = (refocused - target).square().mean(dim=(1, 2, 3)).sqrt()
        log = partial(self.log, batch_size=len(target), sync_dist=True)
        log("val_mae", mae, prog_bar=True)
        log("val_correlation", correlation, prog_bar=True)
        log("val_error_over_rms", (error / spreads[1]).mean())
        return refocused

    def configure_optimizers(self) -> Any:
        """Return AdamW with a rate that rises, stays, and falls over the last part of the run."""
        settings = self.run_settings
        optimizer = torch.optim.AdamW(
            self.generator.parameters(), settings.learning_rate, weight_decay=settings.weight_decay
        )
        schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, self._relative_rate)
        return {
            "optimizer": optimizer,
            "lr_scheduler": {"scheduler": schedule, "interval": "step"},
        }

    def on_train_start(self) -> None:
        """Take the time, for a run that ends after some minutes."""
        self._started = time.monotonic()

    def _relative_rate(self, step: int) -> float:
        settings = self.run_settings
        rise = min(1.0, (step + 1) / settings.warmup_steps)
        done = step / settings.max_steps
        if settings.max_minutes is not None and self._started is not None:
            minutes = (time.monotonic() - self._started) / 60
            done = max(done, minutes / settings.max_minutes)
        left = (1 - done) / settings.decay_fraction if settings.decay_fraction else 1.0
        return rise * (0.5 - 0.5 * math.cos(math.pi * min(1.0, max(0.0, left))))
