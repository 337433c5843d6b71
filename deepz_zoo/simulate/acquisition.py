"""What happens to a stack while it is acquired: drift, jitter and bleaching."""

from __future__ import annotations

import math

import torch
from pydantic import Field

from deepz_zoo.files import Record


class Acquisition(Record):
    """Imperfections of an acquisition; by default there are none.

    Training pairs are made without them, since real stacks are aligned before they are used.

    Attributes
    ----------
    drift_px
        Lateral drift from the first plane to the last, in a random direction.
    jitter_px
        Standard deviation of each plane's own shift along each axis.
    bleaching
        Fraction of the fluorescence that is lost from the first plane to the last.
    """

    drift_px: float = Field(default=0.0, ge=0)
    jitter_px: float = Field(default=0.0, ge=0)
    bleaching: float = Field(default=0.0, ge=0, lt=1)

    def apply(self, stack: torch.Tensor, generator: torch.Generator) -> torch.Tensor:
        """Shift and dim the planes of a stack of light, shape (nz, ny, nx).

        Borders are periodic, as those of the simulated specimens.
        """
        if self == Acquisition():
            return stack
        nz, ny, nx = stack.shape
        device = stack.device
        progress = torch.linspace(0, 1, nz, device=device)
        angle = 2 * math.pi * torch.rand((), generator=generator, device=device)
        direction = torch.stack([torch.sin(angle), torch.cos(angle)])
        shifts = self.drift_px * progress[:, None] * direction
        shifts = shifts + self.jitter_px * torch.randn((nz, 2), generator=generator, device=device)
        fy = torch.fft.fftfreq(ny, device=device)[None, :, None] * shifts[:, 0, None, None]
        fx = torch.fft.rfftfreq(nx, device=device)[None, None, :] * shifts[:, 1, None, None]
        spectrum = torch.fft.rfft2(stack) * torch.exp(-2j * math.pi * (fy + fx))
        shifted: torch.Tensor = torch.fft.irfft2(spectrum, s=(ny, nx))
        remaining = (1 - self.bleaching) ** progress
        return shifted.clamp(min=0) * remaining[:, None, None]
