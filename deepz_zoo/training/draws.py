"""Random numbers for the images of a batch."""

from __future__ import annotations

import math

import torch


class Draws:
    """Random numbers of one batch of `images` images, on the device of the generator."""

    def __init__(self, generator: torch.Generator, images: int) -> None:
        self.generator, self.device, self.images = generator, generator.device, images

    def uniform(self, low: float = 0.0, high: float = 1.0) -> torch.Tensor:
        """Return one number for each image, shape (b, 1, 1)."""
        shape = (self.images, 1, 1)
        unit = torch.rand(shape, generator=self.generator, device=self.device)
        return low + (high - low) * unit

    def log_uniform(self, low: float, high: float) -> torch.Tensor:
        """Return one number for each image, even on a logarithmic scale, shape (b, 1, 1)."""
        return torch.exp(self.uniform(math.log(low), math.log(high)))

    def normal(self, sigma: float) -> torch.Tensor:
        """Return one number for each image, shape (b, 1, 1)."""
        shape = (self.images, 1, 1)
        return sigma * torch.randn(shape, generator=self.generator, device=self.device)

    def coin(self, probability: float = 0.5) -> torch.Tensor:
        """Return true with a probability, for each image, shape (b, 1, 1)."""
        return self.uniform() < probability

    def index(self, weights: torch.Tensor) -> torch.Tensor:
        """Draw an index for each row of weights (b, n), shape (b, 1, 1).

        The smallest of exponential waiting times. `torch.multinomial` does the same, but looks at
        the weights first, for which the processor would wait for a GPU.
        """
        waiting = torch.empty_like(weights).exponential_(generator=self.generator) / weights
        return waiting.argmin(dim=1, keepdim=True)[:, :, None]

    def integers(self, low: int, high: int, count: int = 1) -> torch.Tensor:
        """Return integers from `low` to `high` - 1 for each image, shape (b, count, 1)."""
        shape = (self.images, count, 1)
        return torch.randint(low, high, shape, generator=self.generator, device=self.device)
