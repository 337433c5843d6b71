"""The exponential moving average of the weights, which a training keeps."""

from __future__ import annotations

import pytorch_lightning as pl
from pytorch_lightning.callbacks import WeightAveraging
from torch.optim.swa_utils import get_ema_multi_avg_fn


class Averaging(WeightAveraging):
    """Averages the weights where they are trained, all of them at once.

    Lightning's own `EMAWeightAveraging` makes its copy before the module is on its device, and so
    copies the weights of a GPU to the processor after every iteration, one after another.

    Parameters
    ----------
    decay
        Of the average, for one iteration.
    """

    def __init__(self, decay: float) -> None:
        super().__init__(
            multi_avg_fn=get_ema_multi_avg_fn(decay)  # type: ignore[no-untyped-call]
        )

    def setup(self, trainer: pl.Trainer, pl_module: pl.LightningModule, stage: str) -> None:
        """Make the copy on the device that trains."""
        pl_module.to(trainer.strategy.root_device)
        super().setup(trainer, pl_module, stage)
