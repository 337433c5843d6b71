"""A PyTorch model in memory as an engine."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import nn

from deepz_zoo.engines.engine import Engine, Tensor
from deepz_zoo.engines.versions import version_of


class TorchModel(Engine):
    """Runs a module on the CPU.

    Parameters
    ----------
    model
        The graph with its weights, in evaluation mode.
    """

    weight_format = "pytorch_state_dict"

    def __init__(self, model: nn.Module) -> None:
        self.model = model
        self.name = f"torch {version_of('torch')}"

    def run(self, tensors: Sequence[Tensor]) -> list[Tensor]:
        """Run the module; see `Engine.run`."""
        with torch.inference_mode():
            return [np.asarray(self.model(torch.from_numpy(tensor))) for tensor in tensors]
