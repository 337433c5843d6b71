"""The graph of a z-stack: one raw camera image in, all planes out, no DPM to build."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import nn

from deepz_zoo.network.graph.wrapper import DeepZModel

if TYPE_CHECKING:
    from deepz_zoo.network.config import Normalization


class ZStackModel(DeepZModel):
    """A model that refocuses an image onto fixed planes.

    The input (b, 1, y, x) holds the camera image; the output (b, n, y, x) has a channel for each
    plane. The state dict is that of the `DeepZModel` with the same weights.

    Parameters
    ----------
    generator, dpm_scale_um, normalization
        As in `DeepZModel`.
    z_um
        Distances of the planes in µm.
    """

    input_channels = 1

    def __init__(
        self,
        generator: nn.Module,
        dpm_scale_um: float,
        normalization: Normalization,
        z_um: tuple[float, ...],
    ) -> None:
        super().__init__(generator, dpm_scale_um, normalization)
        self.z_um = z_um

    @classmethod
    def of(cls, model: DeepZModel, z_um: tuple[float, ...]) -> ZStackModel:
        """Return the z-stack of a model; the two share their weights."""
        stack = cls(model.generator, model.dpm_scale_um, "paper", z_um)
        stack.normalization = model.normalization
        return stack

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Refocus (b, 1, y, x) to (b, n, y, x)."""
        background, scale = self.normalization(x)
        # One plane after another: planes as a batch would take as many times the memory.
        planes = [
            self.refocus(torch.cat((x, torch.full_like(x, z)), dim=1), background, scale)
            for z in self.z_um
        ]
        return torch.cat(planes, dim=1)
