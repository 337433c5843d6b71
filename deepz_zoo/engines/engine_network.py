"""What every network that an engine runs has in common."""

from __future__ import annotations

import torch
from torch import nn

# Measured at widths 0.25 and 1, in torch, which takes the most.
_BYTES_PER_CHANNEL = 48


class EngineNetwork(nn.Module):
    """A network that is run by an engine, in the place of a `Generator`.

    It maps (b, 2, y, x) to (b, 1, y, x), both float32.

    Attributes
    ----------
    multiple
        Of what the sides must be a multiple.
    bytes_per_pixel
        Memory that the network takes while it runs.
    """

    def __init__(self, network: nn.Module, bytes_per_value: int = 4) -> None:
        super().__init__()
        self.multiple = network.multiple
        self.bytes_per_pixel = bytes_per_pixel(network) * bytes_per_value / 4

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Run the network on (b, 2, y, x)."""
        raise NotImplementedError


def bytes_per_pixel(network: nn.Module) -> float:
    """Return the memory that a network takes for each pixel of its input while it runs."""
    if isinstance(network, EngineNetwork):
        return network.bytes_per_pixel
    filters = [weights for weights in network.parameters() if weights.ndim == 4]
    # The last layer takes in the channels of the full resolution.
    return _BYTES_PER_CHANNEL * filters[-1].shape[1] if filters else 0.0
