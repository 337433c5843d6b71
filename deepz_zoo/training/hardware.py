"""The hardware of a training, in the settings of pytorch-lightning."""

from __future__ import annotations

from typing import Any

import pytorch_lightning as pl
import torch
from lightning_fabric.utilities.exceptions import MisconfigurationException
from pydantic import Field
from pytorch_lightning.utilities import rank_zero_only

from deepz_zoo.errors import DeepZError
from deepz_zoo.files import Record

_GPU_WORKERS = 8
_CPU_WORKERS = 1


class Hardware(Record):
    """Arguments of `pytorch_lightning.Trainer`, which documents them.

    Attributes
    ----------
    accelerator, devices, strategy
        As pytorch-lightning takes them: ``"auto"``, ``"cpu"``, ``"gpu"``…; a number or a list such
        as ``"0,2"``; ``"auto"``, ``"ddp"``…
    nodes
        Machines that train together.
    precision
        ``"bf16-mixed"``, ``"32-true"``…; None for bfloat16 if the hardware supports it.
    compile
        Compile the networks with `torch.compile`.
    workers
        Processes that cut patches, per training process; None for the default number.
    """

    accelerator: str = "auto"
    devices: str = "1"
    nodes: int = Field(default=1, ge=1)
    strategy: str = "auto"
    precision: str | None = None
    compile: bool = False
    workers: int | None = Field(default=None, ge=0)

    @property
    def on_gpu(self) -> bool:
        """Whether it computes on a CUDA device."""
        return self.accelerator in {"auto", "gpu", "cuda"} and torch.cuda.is_available()

    @property
    def patch_workers(self) -> int:
        """Number of processes that cut patches, per training process."""
        default = _GPU_WORKERS if self.on_gpu else _CPU_WORKERS
        return default if self.workers is None else self.workers

    def trainer(self, *, adversarial: bool, **options: Any) -> pl.Trainer:
        """Make a trainer.

        Raises
        ------
        DeepZError
            If pytorch-lightning refuses the settings, with its message.
        """
        strategy = self.strategy
        if adversarial and self._distributed and strategy in {"auto", "ddp"}:
            # An update of one network leaves the other's parameters without gradients.
            strategy = "ddp_find_unused_parameters_true"
        precision: Any = self.precision or self._default_precision()
        try:
            return pl.Trainer(
                accelerator=self.accelerator,
                devices=self.devices,
                num_nodes=self.nodes,
                strategy=strategy,
                precision=precision,
                **options,
            )
        except (
            MisconfigurationException,
            TypeError,
            ValueError,
            RuntimeError,
            ImportError,
        ) as error:
            raise DeepZError(f"pytorch-lightning: {error}") from error

    @property
    def _distributed(self) -> bool:
        return self.nodes > 1 or self.devices != "1"

    def _default_precision(self) -> str:
        if self.on_gpu:
            return "bf16-mixed" if torch.cuda.is_bf16_supported() else "32-true"
        fast = torch.backends.cpu.get_cpu_capability() == "AVX512" and bool(
            torch.ops.mkldnn._is_mkldnn_bf16_supported()
        )
        return "bf16-mixed" if fast else "32-true"


def is_first_process() -> bool:
    """Tell whether this is the process that prints and writes, among those that train together."""
    return getattr(rank_zero_only, "rank", 0) in {0, None}


def device_name(trainer: pl.Trainer) -> str:
    """Return the name of the device that a run computes on, for its record."""
    device = trainer.strategy.root_device
    if device.type == "cuda":
        name = str(torch.cuda.get_device_name(device))
    else:
        name = f"{torch.get_num_threads()} {device.type.upper()} threads"
    return name if trainer.world_size == 1 else f"{trainer.world_size} × {name}"
