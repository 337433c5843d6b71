"""A scientific CMOS camera: photoelectrons to grey values."""

from __future__ import annotations

import math
from typing import Annotated

import torch
from pydantic import AllowInfNan

from deepz_zoo.files import Record


class Camera(Record):
    """A camera as the paper's (ORCA-Flash4.0, DFC9000): Poisson noise, read noise, offset, gain.

    Attributes
    ----------
    offset
        Grey value of no light.
    electrons_per_grey_level
        Conversion.
    read_noise
        Root-mean-square read noise in electrons.
    full_well
        Electrons at which a pixel saturates; infinite for a camera that never does.
    """

    offset: float = 100.0
    electrons_per_grey_level: float = 0.46
    read_noise: float = 1.6
    full_well: Annotated[float, AllowInfNan(True)] = 30_000.0

    @property
    def brightest(self) -> float:
        """Grey level of a full well."""
        return self.offset + self.full_well / self.electrons_per_grey_level

    def expected(self, electrons: torch.Tensor) -> torch.Tensor:
        """Return the noise-free image in grey levels, not rounded, float32."""
        return self.offset + electrons.clamp(max=self.full_well) / self.electrons_per_grey_level

    def expose(self, electrons: torch.Tensor, generator: torch.Generator) -> torch.Tensor:
        """Take an image.

        Parameters
        ----------
        electrons
            Expected photoelectrons of each pixel.
        generator
            Source of the noise, on the device of `electrons`.

        Returns
        -------
        torch.Tensor
            Integer grey levels in 0…65535, float32, same shape.
        """
        shot = torch.poisson(electrons, generator=generator).clamp(max=self.full_well)
        read = self.read_noise * torch.randn(
            electrons.shape, generator=generator, device=electrons.device
        )
        grey = self.offset + (shot + read) / self.electrons_per_grey_level
        return grey.round().clamp(0, 2**16 - 1)


class Exposure(Record):
    """How bright one stack is: its brightest pixel and its background, in electrons.

    ``gradient`` is the relative change of the background from the center of the image to its edge
    and ``gradient_angle`` its direction in radians.
    """

    peak: float
    background: float
    gradient: float = 0.0
    gradient_angle: float = 0.0

    @classmethod
    def draw(cls, noise: str, generator: torch.Generator) -> Exposure:
        """Draw an exposure: ``"low"`` noise fills the well, ``"realistic"`` is any brightness."""

        def uniform(low: float, high: float) -> float:
            unit = torch.rand((), generator=generator, device=generator.device).item()
            return low + (high - low) * unit

        low_noise = noise == "low"
        return cls(
            peak=28_000 if low_noise else math.exp(uniform(math.log(1_000), math.log(28_000))),
            background=5 if low_noise else math.exp(uniform(math.log(5), math.log(150))),
            gradient=uniform(0.0, 0.3),
            gradient_angle=uniform(0.0, 2 * math.pi),
        )

    def electrons(self, light: torch.Tensor) -> torch.Tensor:
        """Scale relative light (..., ny, nx) to expected electrons and add the background."""
        ny, nx = light.shape[-2:]
        y = torch.linspace(-1, 1, ny, device=light.device)[:, None]
        x = torch.linspace(-1, 1, nx, device=light.device)[None, :]
        ramp = y * math.sin(self.gradient_angle) + x * math.cos(self.gradient_angle)
        return light * (self.peak / light.max()) + self.background * (1 + self.gradient * ramp)
