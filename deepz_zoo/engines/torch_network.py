"""The network of a model, run by torch in another precision or on another device."""

from __future__ import annotations

import copy
from contextlib import AbstractContextManager, nullcontext
from typing import TYPE_CHECKING

import torch
from torch import nn

from deepz_zoo.engines.engine_network import EngineNetwork

if TYPE_CHECKING:
    from deepz_zoo.records.precision import Precision

TYPES: dict[Precision, torch.dtype] = {
    "float32": torch.float32,
    "bfloat16": torch.bfloat16,
    "float16": torch.float16,
}


class TorchNetwork(EngineNetwork):
    """A copy of a network in a precision on a device, with channels last."""

    def __init__(self, network: nn.Module, precision: Precision, device: torch.device) -> None:
        super().__init__(network, TYPES[precision].itemsize)
        self.precision = precision
        self.network = copy.deepcopy(network).to(device, TYPES[precision])
        self.network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Run the network on (b, 2, y, x)."""
        with self._all_digits(x.device):
            refocused: torch.Tensor = self.network(x.to(TYPES[self.precision]))
        return refocused.float()

    def _all_digits(self, device: torch.device) -> AbstractContextManager[None]:
        """Keep a GPU from computing float32 convolutions as TF32, with a thousandth of error."""
        if self.precision != "float32" or device.type != "cuda":
            return nullcontext()
        return torch.backends.cudnn.flags(enabled=True, allow_tf32=False)
