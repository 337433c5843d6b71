"""The generator: Eqs. (1) and (2) of the paper."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import nn

from deepz_zoo.network.layers import Conv3x3, initialize

if TYPE_CHECKING:
    from deepz_zoo.network.config import GeneratorConfig


class DownBlock(nn.Module):
    """``x + ReLU(conv(ReLU(conv(x))))``, Eq. (1); missing channels of x are zeros after its own."""

    def __init__(self, channels_in: int, first: int, second: int, padding: str) -> None:
        super().__init__()
        self.conv1 = Conv3x3(channels_in, first, padding)
        self.conv2 = Conv3x3(first, second, padding)
        self.missing = second - channels_in

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Map (b, channels_in, y, x) to (b, second, y, x)."""
        y = torch.relu(self.conv2(torch.relu(self.conv1(x))))
        return y + nn.functional.pad(x, (0, 0, 0, 0, 0, self.missing))


class UpBlock(nn.Module):
    """Up-convolution, concatenation and ``ReLU(conv(ReLU(conv(·))))``, Eq. (2)."""

    def __init__(self, channels_in: int, first: int, second: int, config: GeneratorConfig) -> None:
        super().__init__()
        self.up = nn.ConvTranspose2d(channels_in, second, config.up_kernel, stride=2)
        self.conv1 = Conv3x3(2 * second, first, config.padding)
        self.conv2 = Conv3x3(first, second, config.padding)
        self.crop = config.up_kernel == 3
        self.residual = config.up_residual
        self.skip_first = config.skip_first

    def forward(self, x: torch.Tensor, skip: torch.Tensor) -> torch.Tensor:
        """Join (b, channels_in, y, x) with its skip connection (b, second, 2y, 2x)."""
        up = self.up(x)
        if self.crop:
            up = up[..., :-1, :-1]
        both = torch.cat((skip, up) if self.skip_first else (up, skip), dim=1)
        y = torch.relu(self.conv2(torch.relu(self.conv1(both))))
        return y + up if self.residual else y


class Generator(nn.Module):
    """The generator of Deep-Z, a U-Net with residual down blocks.

    The paper's Methods, "Deep-Z network architecture". It takes a normalized image and a scaled
    DPM, shape (b, 2, y, x) with sides that are a multiple of ``config.multiple``, and returns the
    normalized refocused image, shape (b, 1, y, x). `DeepZModel` takes raw images of any size.
    """

    def __init__(self, config: GeneratorConfig) -> None:
        super().__init__()
        self.multiple = config.multiple
        first, second = config.first_channels, config.second_channels
        before = (2, *second[:-1])
        self.down = nn.ModuleList(
            DownBlock(*channels, config.padding)
            for channels in zip(before, first, second, strict=True)
        )
        # An up block returns to the channels of its skip connection, by way of those of the first
        # convolution one level below: 576 → 384, 288 → 192, 144 → 96, 72 → 48.
        self.up = nn.ModuleList(
            UpBlock(second[level + 1], first[level + 1], second[level], config)
            for level in range(config.levels - 1)
        )
        self.last = Conv3x3(second[0], 1, config.padding)
        initialize(self)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Refocus a normalized image (b, 2, y, x) to (b, 1, y, x)."""
        skips: list[torch.Tensor] = []
        for level, block in enumerate(self.down):
            if level:
                x = nn.functional.max_pool2d(x, 2)
            x = block(x)
            skips.append(x)
        for level in reversed(range(len(self.up))):
            x = self.up[level](x, skips[level])
        refocused: torch.Tensor = self.last(x)
        return refocused
