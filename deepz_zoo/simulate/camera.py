"""A scientific CMOS camera: photoelectrons to grey values."""

from __future__ import annotations

import math
from typing import Annotated

import torch
from pydantic import AllowInfNan

from deepz_zoo.files import Record
from deepz_zoo.simulate.shot_noise import shot_noise


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
        return self.read_out(shot_noise(electrons, generator), generator)

    def read_out(self, photoelectrons: torch.Tensor, generator: torch.Generator) -> torch.Tensor:
        """Return the grey levels of counted photoelectrons: full well, read noise, rounding."""
        read = self.read_noise * torch.randn(
            photoelectrons.shape, generator=generator, device=photoelectrons.device
        )
        electrons = photoelectrons.clamp(max=self.full_well) + read
        grey = self.offset + electrons / self.electrons_per_grey_level
        return grey.round().clamp(0, 2**16 - 1)


LOW_NOISE_PEAK, LOW_NOISE_BACKGROUND = 28_000.0, 5.0
"""Electrons of an exposure that fills the well over a dark background."""
PEAKS = (1_000.0, 28_000.0)
BACKGROUNDS = (5.0, 150.0)
"""Ranges of realistic exposures in electrons, drawn evenly on a logarithmic scale."""
LARGEST_GRADIENT = 0.3


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

        def log_uniform(low: float, high: float) -> float:
            return math.exp(uniform(math.log(low), math.log(high)))

        low_noise = noise == "low"
        return cls(
            peak=LOW_NOISE_PEAK if low_noise else log_uniform(*PEAKS),
            background=LOW_NOISE_BACKGROUND if low_noise else log_uniform(*BACKGROUNDS),
            gradient=uniform(0.0, LARGEST_GRADIENT),
            gradient_angle=uniform(0.0, 2 * math.pi),
        )

    def electrons(self, light: torch.Tensor, brightest: float | None = None) -> torch.Tensor:
        """Scale relative light (..., ny, nx) to expected electrons and add the background.

        `brightest` is the light that gives `peak` electrons, by default the brightest of `light`.
        """
        ny, nx = light.shape[-2:]
        y = torch.linspace(-1, 1, ny, device=light.device)[:, None]
        x = torch.linspace(-1, 1, nx, device=light.device)[None, :]
        ramp = y * math.sin(self.gradient_angle) + x * math.cos(self.gradient_angle)
        scaled = light * (self.peak / (light.max() if brightest is None else brightest))
        return scaled + self.background * (1 + self.gradient * ramp)
