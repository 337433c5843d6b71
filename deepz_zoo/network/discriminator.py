"""The discriminator: Eq. (3) of the paper."""

from __future__ import annotations

from itertools import pairwise

import torch
from torch import nn

from deepz_zoo.network.layers import Conv3x3, initialize

_CHANNELS = (48, 96, 192, 384, 768, 1536, 3072)
_SLOPE = 0.01


class Discriminator(nn.Module):
    """Six blocks of two convolutions, average pooling and two fully connected layers.

    The paper's Methods, "Deep-Z network architecture". The second convolution of each block has a
    stride of 2; leaky ReLU of slope 0.01; replicate padding.

    Parameters
    ----------
    width
        Factor on every channel count; 1 is the paper's.
    blocks
        Number of convolutional blocks.
    """

    def __init__(self, width: float = 1.0, blocks: int = 6) -> None:
        super().__init__()
        channels = [max(1, round(width * c)) for c in _CHANNELS[: blocks + 1]]
        layers: list[nn.Module] = []
        before = 1
        for first, second in pairwise(channels):
            layers += [Conv3x3(before, first, "replicate"), nn.LeakyReLU(_SLOPE)]
            layers += [Conv3x3(first, second, "replicate", stride=2), nn.LeakyReLU(_SLOPE)]
            before = second
        self.features = nn.Sequential(*layers)
        self.score = nn.Sequential(
            nn.AdaptiveAvgPool2d(1),
            nn.Flatten(),
            nn.Linear(before, before),
            nn.LeakyReLU(_SLOPE),
            nn.Linear(before, 1),
            nn.Sigmoid(),
        )
        initialize(self)

    def forward(self, image: torch.Tensor) -> torch.Tensor:
        """Score images (b, 1, y, x) between 0 (false) and 1 (true), shape (b, 1)."""
        score: torch.Tensor = self.score(self.features(image))
        return score
