"""Checkpoints that stay complete when the process is killed at any moment."""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import Any

import pytorch_lightning as pl
import torch
from pytorch_lightning.callbacks import Checkpoint
from pytorch_lightning.plugins.io import TorchCheckpointIO
from torch import nn

from deepz_zoo.errors import DeepZError
from deepz_zoo.files import replacing
from deepz_zoo.records.training import WEIGHTS_NAME
from deepz_zoo.training.simulated_batches import Sample


class AtomicCheckpointIO(TorchCheckpointIO):
    """Writes a checkpoint beside the old one and then renames it.

    pytorch-lightning's own class writes to the system's temporary folder first, which may be on
    another disk, and copies from there.
    """

    def save_checkpoint(
        self, checkpoint: dict[str, Any], path: str | Path, storage_options: Any = None
    ) -> None:
        """Save under a temporary name, then rename."""
        with replacing(path) as temporary, temporary.open("wb") as file:
            torch.save(checkpoint, file)
            file.flush()
            os.fsync(file.fileno())


class SaveLast(Checkpoint):
    """Saves the state of a run at intervals of time, and as soon as it has weights to go on from.

    pytorch-lightning's own callback saves by time only in automatic optimization.
    """

    def __init__(self, path: Path, every_seconds: float) -> None:
        self.path, self.every_seconds = path, every_seconds
        self._saved_at = time.monotonic()

    def on_train_batch_end(
        self,
        trainer: pl.Trainer,
        pl_module: pl.LightningModule,
        outputs: Any,
        batch: Sample,
        batch_idx: int,
    ) -> None:
        """Save if it is time; the processes decide together, since all of them take part."""
        due = time.monotonic() - self._saved_at >= self.every_seconds or self._has_only_weights()
        if trainer.strategy.reduce_boolean_decision(due, all=False):
            trainer.save_checkpoint(self.path)
            self._saved_at = time.monotonic()

    def _has_only_weights(self) -> bool:
        """Tell whether the best weights are there before the first checkpoint."""
        return (self.path.parent / WEIGHTS_NAME).exists() and not self.path.exists()


def read_checkpoint(path: Path) -> dict[str, Any]:
    """Read a checkpoint, unpickling only tensors and plain values.

    Raises
    ------
    DeepZError
        If the file does not exist or is not a checkpoint.
    """
    try:
        checkpoint = torch.load(path, map_location="cpu", weights_only=True, mmap=True)
    except FileNotFoundError:
        raise DeepZError(f"{path}: no such file; expected a run's last.ckpt") from None
    except OSError:
        raise
    except Exception as error:
        reason = str(error).splitlines()[0]
        raise DeepZError(f"{path}: not a training checkpoint ({reason})") from None
    if not isinstance(checkpoint, dict) or "state_dict" not in checkpoint:
        raise DeepZError(f"{path}: not a training checkpoint; expected a run's last.ckpt")
    return checkpoint


def check_resumable(path: Path, module: nn.Module) -> None:
    """Check that a checkpoint is of the networks of `module`.

    Raises
    ------
    DeepZError
        If it is of other networks, or cannot be read.
    """
    found = {name: t.shape for name, t in read_checkpoint(path)["state_dict"].items()}
    expected = {name: t.shape for name, t in module.state_dict().items()}
    if found != expected:
        raise DeepZError(
            f"{path} was made with another `preset` or `adversarial`; resume with the same, or "
            f"begin a new run with `start` {path}"
        )
