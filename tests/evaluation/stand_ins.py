"""Models whose output is known beforehand."""

from __future__ import annotations

from typing import Any

import torch
from torch import nn

Scaling = tuple[torch.Tensor, torch.Tensor]


class StandIn(nn.Module):
    """Stands in for the graph wrapper; `forward` gets the camera image and the DPM in µm."""

    multiple = 1

    def normalization(self, image: torch.Tensor) -> Scaling:
        return torch.zeros(1), torch.ones(1)

    def refocus(
        self, x: torch.Tensor, background: torch.Tensor, scale: torch.Tensor
    ) -> torch.Tensor:
        output: torch.Tensor = self(x)
        return output


class Identity(StandIn):
    """Returns the camera image whatever the DPM says; remembers what it was given."""

    def __init__(self) -> None:
        super().__init__()
        self.given: list[torch.Tensor] = []

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        self.given.append(x)
        return x[:, :1]

    @property
    def distances(self) -> list[float]:
        """The distances that were asked for, in µm."""
        return [round(float(x[0, 1].mean()), 4) for x in self.given]


class Marked(StandIn):
    """Multiplies the camera image by 1 + dz/10 µm: tells which distance it was asked for."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x[:, :1] * (1 + x[:, 1:] / 10)


def told(steps: list[tuple[int, int]]) -> Any:
    """Return a progress that keeps what it is told."""
    return lambda step, done=0, total=0: steps.append((done, total))
