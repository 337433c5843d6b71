"""Tilted and smoothly curved surfaces to train on."""

from __future__ import annotations

import math

import torch

from deepz_zoo.training.draws import Draws

_STEEPEST = 0.5
"""Largest change by a tilt from the center of a patch to its edge, as a fraction of the range."""
_HIGHEST_WAVE = 0.25
"""Largest amplitude of a wave, as a fraction of the half-range."""
_WAVES_PER_PATCH = (0.25, 2.0)


def draw_surfaces(
    distance_um: torch.Tensor, size_px: int, half_range_um: float, draws: Draws
) -> torch.Tensor:
    """Draw surfaces around distances: a tilt in any direction, with a wave on top.

    Parameters
    ----------
    distance_um
        Distance of the middle of each surface, shape (b, 1, 1).
    size_px
        Side of the patches.
    half_range_um
        No surface is farther than this from its source.

    Returns
    -------
    torch.Tensor
        DPMs in µm, shape (b, size, size).
    """
    along = torch.linspace(-1, 1, size_px, device=distance_um.device)
    y, x = along[:, None], along[None, :]

    def across() -> torch.Tensor:
        angle = draws.uniform(0, 2 * math.pi)
        return y * torch.sin(angle) + x * torch.cos(angle)

    tilt = draws.uniform(0, _STEEPEST * half_range_um) * across()
    waves, phase = draws.log_uniform(*_WAVES_PER_PATCH), draws.uniform(0, 2 * math.pi)
    height = draws.uniform(0, _HIGHEST_WAVE * half_range_um)
    surface = distance_um + tilt + height * torch.sin(math.pi * waves * across() + phase)
    return surface.clamp(-half_range_um, half_range_um)
