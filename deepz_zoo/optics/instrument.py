"""One microscope with one mount, as it was measured."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from pydantic import Field, model_validator

from deepz_zoo.files import Record

if TYPE_CHECKING:
    import torch

MAX_SPREADS = 2.0
"""No setting is drawn farther than this many of its spreads from that of the instrument."""

ROUND = 0.02
"""Astigmatism and coma in waves and gradients of the light below this one count as none."""


class Spread(Record):
    """How far the settings of an instrument vary from mount to mount: standard deviations.

    What was measured has an error, and no two slides are the same.
    """

    numerical_aperture: float = 0.005
    wavelength_um: float = 0.005
    coverslip_um: float = 1.0
    depth_um: float = 0.5
    residual_blur_um: float = 0.05
    astigmatism_waves: float = 0.02
    coma_waves: float = 0.02
    pupil_gradient: float = 0.05


class Instrument(Record):
    """The optical settings of one instrument, lengths in µm.

    Attributes
    ----------
    numerical_aperture, wavelength_um, immersion_index
        Aperture, wavelength of emission, and index of the immersion medium.
    coverslip_um, depth_um, specimen_index
        What makes the spherical aberration: thickness of the coverslip, depth in the specimen and
        its index. They are those that explain the images, of which many combinations do: a negative
        depth stands for an aberration of the opposite sign.
    astigmatism_waves
        Oblique and vertical astigmatism at the edge of the pupil, in wavelengths.
    coma_waves
        Coma along y and along x at the edge of the pupil, in wavelengths.
    residual_blur_um
        Full width at half maximum of the lateral blur on top of the optics.
    pupil_gradient
        Gradient of the light over the pupil along y and along x, at most 1 long.
    """

    numerical_aperture: float = Field(gt=0, lt=1.6)
    wavelength_um: float = Field(gt=0)
    immersion_index: float = Field(ge=1.0, lt=1.6)
    coverslip_um: float = Field(ge=0)
    depth_um: float
    specimen_index: float = Field(ge=1.0, lt=1.6)
    astigmatism_waves: tuple[float, float]
    coma_waves: tuple[float, float]
    residual_blur_um: float = Field(ge=0)
    pupil_gradient: tuple[float, float]

    @property
    def is_round(self) -> bool:
        """Whether its point-spread function is the same when it is turned or flipped."""
        uneven = (*self.astigmatism_waves, *self.coma_waves, *self.pupil_gradient)
        return max(map(abs, uneven)) < ROUND

    @model_validator(mode="after")
    def _light_is_not_negative(self) -> Instrument:
        if math.hypot(*self.pupil_gradient) > 1 + 1e-6:
            raise ValueError("a pupil gradient longer than 1")
        return self

    def draw(self, generator: torch.Generator, spread: Spread | None = None) -> Instrument:
        """Draw an instrument closely around this one.

        Each setting, and each component of a pair, is normally distributed with its standard
        deviation of `spread` and cut at `MAX_SPREADS`; the indices stay.
        """
        settings = self.model_dump()
        for name, deviation in (spread or Spread()).model_dump().items():
            value = settings[name]
            if isinstance(value, tuple):
                settings[name] = tuple(v + deviation * _normal(generator) for v in value)
            else:
                settings[name] = value + deviation * _normal(generator)
        settings["residual_blur_um"] = max(0.0, settings["residual_blur_um"])
        longest = max(1.0, math.hypot(*settings["pupil_gradient"]))
        settings["pupil_gradient"] = tuple(g / longest for g in settings["pupil_gradient"])
        return Instrument(**settings)


def _normal(generator: torch.Generator) -> float:
    import torch  # takes a second, which listing the catalogue does not need

    drawn = torch.randn((), generator=generator).item()
    return max(-MAX_SPREADS, min(MAX_SPREADS, drawn))
