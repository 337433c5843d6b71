"""Keep the best weights of a run with their record."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytorch_lightning as pl
from pytorch_lightning.callbacks import Callback

from deepz_zoo.files import replacing
from deepz_zoo.network.weights import save_generator
from deepz_zoo.records.training import WEIGHTS_NAME, StartRecord, TrainingRecord
from deepz_zoo.training.module import GeneratorTraining
from deepz_zoo.training.simulated_batches import Sample

RECORD_NAME = "best.json"

Describe = Callable[[pl.Trainer, "KeepBest"], TrainingRecord]


class KeepBest(Callback):
    """Writes ``best.safetensors`` and ``best.json`` at each new minimum of the validation error.

    "The best network … was chosen to be the one with the smallest MAE loss on the validation set"
    (Methods). It runs at the end of validation, when the module has its averaged weights.

    Parameters
    ----------
    folder
        The run's folder.
    describe
        Makes the record.
    command
        Command line of this part of the run.
    start
        Record of the weights that the run began with.
    """

    def __init__(
        self, folder: Path, describe: Describe, command: str, start: StartRecord | None = None
    ) -> None:
        self.folder, self.describe, self.start = folder, describe, start
        self.best = float("inf")
        self.patches = 0
        self.commands = [command]
        self.seconds_before = 0.0
        self._started = time.monotonic()

    @property
    def seconds(self) -> float:
        """Training time so far, including the earlier parts of a resumed run."""
        return self.seconds_before + time.monotonic() - self._started

    def on_train_batch_end(
        self,
        trainer: pl.Trainer,
        pl_module: pl.LightningModule,
        outputs: Any,
        batch: Sample,
        batch_idx: int,
    ) -> None:
        """Count the patches."""
        self.patches += len(batch["input"]) * trainer.world_size

    def on_validation_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Keep the weights if they are the best so far."""
        mae = float(trainer.callback_metrics["val_mae"])
        if trainer.sanity_checking or not mae < self.best:
            return
        self.best = mae
        if not trainer.is_global_zero:
            return
        assert isinstance(pl_module, GeneratorTraining)
        save_generator(self.folder / WEIGHTS_NAME, pl_module.generator)
        record = self.describe(trainer, self)
        with replacing(self.folder / RECORD_NAME) as temporary:
            temporary.write_text(record.model_dump_json(indent=2) + "\n", encoding="utf-8")

    def state_dict(self) -> dict[str, Any]:
        """Return the state for a resumed run."""
        return {
            "best": self.best,
            "patches": self.patches,
            "commands": self.commands,
            "seconds": self.seconds,
            "start": None if self.start is None else self.start.model_dump(),
        }

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Take over the state of the earlier run."""
        self.best = state_dict["best"]
        self.patches = state_dict["patches"]
        earlier, resumed = state_dict["commands"], f"{self.commands[-1]} --resume"
        # The same command again, after a stop, adds nothing to the commands that repeat the run.
        repeated = self.commands[-1] == earlier[0] or resumed in earlier
        self.commands = earlier if repeated else [*earlier, resumed]
        self.seconds_before = state_dict["seconds"]
        if start := state_dict.get("start"):
            self.start = StartRecord.model_validate(start)
