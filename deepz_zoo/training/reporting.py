"""The progress of a training for those who see no bar."""

from __future__ import annotations

from typing import Any

import pytorch_lightning as pl

from deepz_zoo.progress import Progress
from deepz_zoo.training.module import GeneratorTraining


class Iterations(pl.Callback):
    """Reports each iteration.

    Parameters
    ----------
    progress
        Called in the first process only.
    """

    def __init__(self, progress: Progress) -> None:
        self.progress = progress

    def on_train_batch_end(
        self,
        trainer: pl.Trainer,
        pl_module: pl.LightningModule,
        outputs: Any,
        batch: Any,
        batch_idx: int,
    ) -> None:
        """Report how many are done."""
        assert isinstance(pl_module, GeneratorTraining)
        if trainer.is_global_zero:
            total = pl_module.run_settings.max_steps
            self.progress("training", pl_module.iterations_done, total)
