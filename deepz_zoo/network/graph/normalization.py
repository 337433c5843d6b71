"""The paper's normalization of a single image as a part of the graph.

It is the twin of `deepz_zoo.intensities.normalization`, made of operations that ONNX (opset 17) and
TorchScript know, for a batch of any size in which each image is normalized by itself.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import reduce

import torch
from torch import nn

GREY_LEVELS = 65536
_MIN_LEVELS = 256
_SATURATED = 0.01


class LoneImageNormalization(nn.Module):
    """Background and scale of each image: the Methods' steps (1) to (3).

    (1) The triangle threshold separates background from foreground pixels; (2) the mean of the
    background pixels is the background; (3) the scale is such that 1 % of the foreground pixels,
    after the background is subtracted, are greater than one.

    Parameters
    ----------
    levels
        Bins of the histogram: one for each grey level of 16 bits. Fewer take less time, and give
        values to within the width of a bin.
    """

    def __init__(self, levels: int = GREY_LEVELS) -> None:
        super().__init__()
        self.levels = levels

    def forward(self, image: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Measure images (b, 1, y, x); return background and scale, each (b, 1, 1, 1)."""
        pixels = image.flatten(1)
        lowest = pixels.amin(dim=1, keepdim=True)
        extent = pixels.amax(dim=1, keepdim=True) - lowest
        width = _level_width(pixels, extent, self.levels)
        level = ((pixels - lowest) / width).round().clamp(0, self.levels - 1).to(torch.int64)
        ones = torch.ones_like(pixels)
        histogram = torch.zeros_like(pixels[:, :1]).repeat(1, self.levels)
        histogram = histogram.scatter_add(1, level, ones)
        threshold = _triangle(histogram)
        foreground = (level > threshold).to(pixels.dtype)
        background = (pixels * (1 - foreground)).sum(1, keepdim=True) / (1 - foreground).sum(
            1, keepdim=True
        ).clamp(min=1)
        brightest = lowest + width * _saturation_level(histogram, foreground.sum(1, keepdim=True))
        scale = brightest - background
        # An image of one grey level has no foreground; leave its values as they are.
        scale = torch.where(extent > 0, scale, torch.ones_like(scale))
        return background[:, :, None, None], scale[:, :, None, None]

    def of_parts(self, parts: Iterable[torch.Tensor]) -> tuple[torch.Tensor, torch.Tensor]:
        """Measure one image that comes in parts, each (1, 1, y, x), without putting them together.

        As `forward`, with sums in double precision: large images have more pixels than float32 can
        count. The parts are gone through several times.
        """
        lowest = reduce(torch.minimum, (part.min() for part in parts))
        extent = reduce(torch.maximum, (part.max() for part in parts)) - lowest
        # Fractions in any part make the levels of all finer.
        widths = (_level_width(part.flatten(1), extent, self.levels) for part in parts)
        width = reduce(torch.minimum, widths)

        def levels(part: torch.Tensor) -> torch.Tensor:
            level = ((part - lowest) / width).round().clamp(0, self.levels - 1)
            return level.to(torch.int64).flatten()

        histogram = sum_histograms(map(levels, parts), self.levels)
        threshold = _triangle(histogram)
        n_background = histogram[:, : int(threshold) + 1].sum()
        below = (part.flatten()[levels(part) <= threshold[0]].double().sum() for part in parts)
        background = reduce(torch.add, below) / n_background.clamp(min=1)
        n_foreground = (histogram.sum() - n_background)[None, None]
        scale = lowest + width * _saturation_level(histogram, n_foreground) - background
        scale = torch.where(extent > 0, scale, torch.ones_like(scale))
        shape = (1, 1, 1, 1)
        return background.to(lowest).reshape(shape), scale.to(lowest).reshape(shape)

    def grey_levels(
        self, refocused: torch.Tensor, background: torch.Tensor, scale: torch.Tensor
    ) -> torch.Tensor:
        """Return what the network made in the grey levels of the input."""
        return refocused * scale + background


def sum_histograms(parts: Iterable[torch.Tensor], levels: int) -> torch.Tensor:
    """Return how many of the levels in all parts, int64, are 0, 1, …; shape (1, n), float64."""
    histogram = torch.zeros(levels, dtype=torch.int64)
    for part in parts:
        histogram += torch.bincount(part, minlength=levels)
    return histogram.double()[None]


def _level_width(pixels: torch.Tensor, extent: torch.Tensor, levels: int) -> torch.Tensor:
    """Width of a histogram bin: one grey level, unless the image needs finer or coarser ones."""
    fractional = (pixels != pixels.round()).to(pixels.dtype).amax(dim=1, keepdim=True)
    finest = torch.where(fractional > 0, extent / (_MIN_LEVELS - 1), torch.ones_like(extent))
    width = torch.minimum(torch.ones_like(extent), finest)
    width = torch.maximum(width, extent / (levels - 1))
    return torch.where(extent > 0, width, torch.ones_like(extent))


def _triangle(histogram: torch.Tensor) -> torch.Tensor:
    """Triangle threshold (Zack 1977) of each histogram (b, n); returns levels (b, 1), int64.

    The level farthest from the line between the peak and the end of the longer tail; ties and
    sides are settled as in scikit-image.
    """
    n = histogram.shape[1]
    levels = torch.arange(n, device=histogram.device, dtype=histogram.dtype)[None]
    used = (histogram > 0).to(histogram.dtype)
    low = (n - (used * (n - levels)).amax(dim=1, keepdim=True)).to(histogram.dtype)
    high = (used * levels).amax(dim=1, keepdim=True)
    height = histogram.amax(dim=1, keepdim=True)
    is_peak = (histogram == height).to(histogram.dtype)
    peak = n - (is_peak * (n - levels)).amax(dim=1, keepdim=True)
    bright_tail = peak - low < high - peak
    # Distance of each level from the end of the tail, counted toward the peak.
    from_end = torch.where(bright_tail, high - levels, levels - low)
    length = torch.where(bright_tail, high - peak, peak - low)
    on_tail = (from_end >= 0) & (from_end < length)
    distance = torch.where(
        on_tail, height * from_end - length * histogram, -torch.ones_like(height)
    )
    farthest = (distance == distance.amax(dim=1, keepdim=True)).to(histogram.dtype)
    # The first one from the end of the tail wins.
    nearest_end = torch.where(farthest > 0, from_end, torch.full_like(from_end, float(n)))
    chosen = nearest_end.amin(dim=1, keepdim=True)
    threshold = torch.where(bright_tail, high - chosen, low + chosen)
    return torch.where(length > 0, threshold, high).to(torch.int64)


def _saturation_level(histogram: torch.Tensor, n_foreground: torch.Tensor) -> torch.Tensor:
    """Level that at most 1 % of the foreground pixels exceed, shape (b, 1)."""
    n = histogram.shape[1]
    allowed = torch.floor(_SATURATED * n_foreground)
    up_to = torch.cumsum(histogram, dim=1)
    above = histogram.sum(dim=1, keepdim=True) - up_to
    enough = (above <= allowed).to(histogram.dtype)
    levels = torch.arange(n, device=histogram.device, dtype=histogram.dtype)[None]
    return n - (enough * (n - levels)).amax(dim=1, keepdim=True)
