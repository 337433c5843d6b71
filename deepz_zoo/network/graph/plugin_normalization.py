"""The normalization of the authors' Fiji plugin as a part of the graph.

It is the twin of `deepz_zoo.intensities.plugin_normalization`, for a batch of any size, and gives
the same numbers to the last bit: everything that decides is an integer or a double, computed in the
order in which ImageJ does.
"""

from __future__ import annotations

from collections.abc import Iterable

import torch
from torch import nn

from deepz_zoo.network.graph.normalization import sum_histograms

_BRIGHTEST = 0.99


class PluginNormalization(nn.Module):
    """Background and scale of each image as the plugin finds them, and its grey levels.

    The median is the background; the grey level below which 99 % of the pixels above the triangle
    threshold lie is the scale, and the background is not subtracted from it. The output is not
    brought back to the grey levels of the input: 1 is the highest grey level.

    Parameters
    ----------
    bits
        Bits a pixel, 8 or 16. Grey levels are whole; an image with fractions is measured as its
        rounded one.
    imagej_1_52
        Convert to 8 bits as ImageJ did up to version 1.52, with 256 instead of 255 levels.
    """

    def __init__(self, bits: int, *, imagej_1_52: bool = False) -> None:
        super().__init__()
        self.levels = 2**bits
        self.stretch = 256 / 255 if imagej_1_52 and bits == 8 else 1.0

    def forward(self, image: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Measure images (b, 1, y, x); return background and scale, each (b, 1, 1, 1)."""
        pixels = image.flatten(1)
        ones = torch.ones_like(pixels, dtype=torch.float64)
        histogram = torch.zeros_like(ones[:, :1]).repeat(1, self.levels)
        return self._of_histogram(histogram.scatter_add(1, self._levels(pixels), ones), image.dtype)

    def of_parts(self, parts: Iterable[torch.Tensor]) -> tuple[torch.Tensor, torch.Tensor]:
        """Measure one image that comes in parts, each (1, 1, y, x), as if it were whole."""
        levels = (self._levels(part).flatten() for part in parts)
        histogram = sum_histograms(levels, self.levels)
        return self._of_histogram(histogram, torch.float32)

    def _levels(self, pixels: torch.Tensor) -> torch.Tensor:
        return pixels.round().clamp(0, self.levels - 1).to(torch.int64)

    def _of_histogram(
        self, histogram: torch.Tensor, dtype: torch.dtype
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Return background and scale, each (b, 1, 1, 1), from histograms (b, n)."""
        up_to = histogram.cumsum(dim=1)
        count = up_to[:, -1:]
        middle = _ranked(up_to, _whole((count - 1) / 2)) + _ranked(up_to, _whole(count / 2))
        threshold = _landini_triangle(histogram, up_to)
        below = torch.where(_levels(histogram) <= threshold, histogram, 0.0).sum(1, keepdim=True)
        foreground = count - below
        brightest = _ranked(up_to, below + _whole(_BRIGHTEST * foreground))
        # In an image without foreground the plugin finds no scale.
        usable = (foreground > 0) & (brightest > 0)
        scale = torch.where(usable, brightest, torch.ones_like(brightest))
        background = (middle / 2).to(dtype)
        return background[:, :, None, None], scale.to(dtype)[:, :, None, None]

    def grey_levels(
        self, refocused: torch.Tensor, background: torch.Tensor, scale: torch.Tensor
    ) -> torch.Tensor:
        """Return the plugin's integer grey levels from what the network made."""
        highest = self.levels - 1
        levels: torch.Tensor = (refocused * highest).clamp(0, highest) * self.stretch + 0.5
        return levels.clamp(max=highest).floor()


def _levels(histogram: torch.Tensor) -> torch.Tensor:
    """Return the levels 0, 1, … of histograms (b, n), shape (1, n)."""
    return torch.arange(histogram.shape[1], device=histogram.device, dtype=histogram.dtype)[None]


def _whole(rank: torch.Tensor) -> torch.Tensor:
    """Return ranks without their fractions; old ONNX Runtimes know no floor of doubles."""
    return rank.to(torch.int64).to(rank.dtype)


def _ranked(up_to: torch.Tensor, rank: torch.Tensor) -> torch.Tensor:
    """Return the level of the pixel of a rank, counted from 0, by the cumulative histogram."""
    return (up_to <= rank).to(up_to.dtype).sum(dim=1, keepdim=True)


def _landini_triangle(histogram: torch.Tensor, up_to: torch.Tensor) -> torch.Tensor:
    """Triangle threshold of each histogram (b, n) as in ImageJ; returns levels (b, 1).

    Gabriel Landini's: the line ends at the empty level beyond the longer tail, and the level found
    is one further out than the farthest from the line. Levels are counted from the end of the tail.
    """
    n = histogram.shape[1]
    levels = _levels(histogram)
    lowest = _ranked(up_to, torch.zeros_like(up_to[:, :1]))
    highest = _ranked(up_to, up_to[:, -1:] - 1)
    low, high = (lowest - 1).clamp(min=0), (highest + 1).clamp(max=n - 1)
    height = histogram.amax(dim=1, keepdim=True)
    peak = _ranked((histogram == height).to(levels.dtype).cumsum(dim=1), torch.zeros_like(height))
    bright_tail = peak - low < high - peak
    place = torch.where(bright_tail, n - 1 - levels, levels)
    start = torch.where(bright_tail, n - 1 - high, low)
    end = torch.where(bright_tail, n - 1 - peak, peak)
    at_start = torch.where(place == start, histogram, 0.0).sum(dim=1, keepdim=True)

    length = torch.sqrt(height * height + (start - end) * (start - end))
    across, along = height / length, (start - end) / length
    distance = across * place + along * histogram - (across * start + along * at_start)
    distance = torch.where((place > start) & (place <= end), distance, 0.0)
    farthest = distance.amax(dim=1, keepdim=True)
    # Where nothing lies off the line, it is the start; of several, the one nearest to it.
    candidate = (distance == farthest) & (distance > 0) | (place == start) & (farthest <= 0)
    split = torch.where(candidate, place, float(n)).amin(dim=1, keepdim=True) - 1
    return torch.where(bright_tail, n - 1 - split, split)
