"""Losses of the generator."""

from __future__ import annotations

import torch
from torch import nn


class RelativeLoss(nn.Module):
    """Absolute plus squared error, each relative to the contrast of the target.

    A lone defocused image sets a scale on which the same structure in focus may be a hundred times
    brighter, and a sparse image is best matched in L1 by a blank one. Both errors are therefore
    divided by the standard deviation of each target image; the squared term does not reward
    dimming, and its root is the error/rms by which refocusing is judged.

    Parameters
    ----------
    floor
        Smallest standard deviation, in normalized units, for targets without contrast.
    squared
        Weight of the squared term.
    """

    def __init__(self, floor: float = 0.05, squared: float = 1.0) -> None:
        super().__init__()
        self.floor = floor
        self.squared = squared

    def forward(self, refocused: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
        """Compare (b, 1, y, x) images; return the mean over the batch."""
        contrast = target.std(dim=(1, 2, 3), keepdim=True).clamp(min=self.floor)
        error = (refocused - target) / contrast
        per_image = error.abs().mean(dim=(1, 2, 3)) + self.squared * error.square().mean(
            dim=(1, 2, 3)
        )
        # One image on which the network is far off must not drown the rest of its batch.
        return torch.log1p(per_image).mean()
