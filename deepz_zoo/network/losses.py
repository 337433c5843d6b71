"""Losses of the generator."""

from __future__ import annotations

import torch
from torch import nn


class RelativeLoss(nn.Module):
    """Squared and a little absolute error, each relative to the contrast of the target.

    A lone defocused image sets a scale on which the same structure in focus may be a hundred times
    brighter, and a sparse image is best matched in L1 by a blank one. Both errors are therefore
    divided by the standard deviation of each target image; the squared term does not reward
    dimming, and its root is the error/rms by which refocusing is judged. The absolute term keeps
    the dark background clean.

    Parameters
    ----------
    floor
        Smallest standard deviation, in normalized units, for targets without contrast.
    absolute
        Weight of the absolute error.
    outlier
        Images with errors far above this one count by the logarithm of theirs, so that one image
        on which the network is far off does not drown the rest of its batch.
    """

    def __init__(self, floor: float = 0.05, absolute: float = 0.25, outlier: float = 4.0) -> None:
        super().__init__()
        self.floor = floor
        self.absolute = absolute
        self.outlier = outlier

    def forward(self, refocused: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
        """Compare (b, 1, y, x) images; return the mean over the batch."""
        contrast = target.std(dim=(1, 2, 3), keepdim=True).clamp(min=self.floor)
        error = (refocused - target) / contrast
        squared, absolute = error.square().mean(dim=(1, 2, 3)), error.abs().mean(dim=(1, 2, 3))
        per_image = squared + self.absolute * absolute
        return (self.outlier * torch.log1p(per_image / self.outlier)).mean()

    def extra_repr(self) -> str:
        """Return the formula, for training records."""
        a, c = self.absolute, self.outlier
        return f"{c:g} log(1 + (L2² + {a:g} L1) / {c:g}) per image, errors relative to contrast"
