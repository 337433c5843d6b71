"""Images of a bead as a differentiable function of the instrument and of the bead.

The physics is that of `deepz_zoo.optics.psf`, on a small grid that is just fine enough.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import torch

from deepz_zoo.optics import ImagingSystem, Instrument
from deepz_zoo.optics.psf import PsfParameters, blur, blur_variance, integrate_pixels
from deepz_zoo.optics.pupil import DESIGN_COVERSLIP_UM, GLASS_INDEX, Number, Pair, PupilGrid

PARAMETERS = (
    "spherical_um",
    "numerical_aperture",
    "oblique_astigmatism_waves",
    "vertical_astigmatism_waves",
    "coma_y_waves",
    "coma_x_waves",
    "blur_um2",
    "gradient_y",
    "gradient_x",
)
"""What is fitted of an instrument: the entries of its vector.

``spherical_um`` is how much thicker than the design's the coverslip is, or the depth in the
specimen where an immersion of the index of glass makes the coverslip's thickness irrelevant;
``blur_um2`` the square of the blur's full width at half maximum.
"""
SPHERICAL, APERTURE, BLUR = (
    PARAMETERS.index(n) for n in ("spherical_um", "numerical_aperture", "blur_um2")
)
GRADIENT = slice(PARAMETERS.index("gradient_y"), PARAMETERS.index("gradient_x") + 1)

MARGIN_PX = 4
"""Around a crop, so that the blur at its edge has the light from beyond."""
_MIN_PUPIL_PX, _MAX_PUPIL_PX = 32, 256
_ALIKE = 0.05


@dataclass(frozen=True)
class Settings:
    """The `OpticalSettings` of a vector."""

    numerical_aperture: Number
    wavelength_um: Number
    immersion_index: Number
    design_immersion_index: Number
    coverslip_um: Number
    depth_um: Number
    specimen_index: Number
    astigmatism_waves: Pair
    coma_waves: Pair
    pupil_gradient: Pair


@dataclass(frozen=True)
class BeadModel:
    """What beads look like through an instrument.

    Attributes
    ----------
    system
        Objective and channel; their wavelength and immersion are held.
    pixel_size_um
        Sampling of the images in the specimen.
    crop_px
        Side of a crop, even; the bead lies near its pixel ``crop_px // 2``.
    farthest_um
        Largest distance from focus.
    bead_diameter_um
        Of the beads, whose image is blurred by it.
    """

    system: ImagingSystem
    pixel_size_um: float
    crop_px: int
    farthest_um: float
    bead_diameter_um: float = 0.0

    @property
    def spherical_is_depth(self) -> bool:
        """Whether the spherical aberration is told as depth, not as a coverslip."""
        return abs(self.system.objective.immersion_index - GLASS_INDEX) < _ALIKE

    @property
    def ideal_spherical_um(self) -> float:
        """The coverslip, or the depth, without spherical aberration."""
        return 0.0 if self.spherical_is_depth else DESIGN_COVERSLIP_UM

    @cached_property
    def grid(self) -> PupilGrid:
        """The coarsest grid over the pupil whose images do not overlap with their repetitions."""
        lens = self.system.objective
        half_um = self.crop_px / 2 * self.pixel_size_um
        period_um = max(half_um, disk_radius_um(self.system, self.farthest_um)) * 2.2
        steps = period_um * 2 * lens.numerical_aperture / self.system.channel.emission_wavelength_um
        side = 8 * math.ceil((steps + 1) / 8)
        return PupilGrid(min(max(side, _MIN_PUPIL_PX), _MAX_PUPIL_PX))

    def settings(self, vector: torch.Tensor | Sequence[float]) -> Settings:
        """Return the optical settings of a vector of `PARAMETERS`."""
        spherical, aperture, oblique, vertical, coma_y, coma_x, _, gradient_y, gradient_x = vector
        lens, ranges = self.system.objective, self.system.aberrations
        in_depth = self.spherical_is_depth
        return Settings(
            numerical_aperture=aperture,
            wavelength_um=self.system.channel.emission_wavelength_um,
            immersion_index=lens.immersion_index,
            design_immersion_index=lens.immersion_index,
            coverslip_um=DESIGN_COVERSLIP_UM + (0.0 if in_depth else spherical),
            depth_um=spherical if in_depth else 0.0,
            specimen_index=sum(ranges.specimen_index) / 2 if in_depth else lens.immersion_index,
            astigmatism_waves=(oblique, vertical),
            coma_waves=(coma_y, coma_x),
            pupil_gradient=(gradient_y, gradient_x),
        )

    def instrument(self, vector: Sequence[float]) -> Instrument:
        """Return the instrument of a vector of `PARAMETERS`."""
        settings = self.settings(vector)
        fields = {
            name: getattr(settings, name)
            for name in Instrument.model_fields
            if hasattr(settings, name)
        }
        return Instrument(**fields, residual_blur_um=math.sqrt(max(0.0, vector[BLUR])))

    def wavefront(self, settings: Settings | PsfParameters) -> torch.Tensor:
        """Return the phase in radians at the focus of least rms error, shape (side, side)."""
        grid = self.grid
        phase, cosine = grid.phase(settings), grid.cosine(settings)
        # A piston is nothing to be seen, and a part like defocus is another zero of z: without
        # them, the focus stays where it is while the spherical aberration is fitted.
        piston = (phase * grid.inside).sum() / grid.inside.sum()
        across = (cosine - (cosine * grid.inside).sum() / grid.inside.sum()) * grid.inside
        return phase - piston - (phase * across).sum() / across.square().sum() * across

    @cached_property
    def spherical_waves_per_um(self) -> float:
        """Root-mean-square wavefront error, without defocus, of a µm of ``spherical_um``."""
        vector = [0.0] * len(PARAMETERS)
        vector[SPHERICAL], vector[APERTURE] = 1.0, self.system.objective.numerical_aperture
        return self.spherical_waves(self.settings(vector))

    def spherical_waves(self, settings: Settings | PsfParameters) -> float:
        """Return the rms wavefront error of the spherical aberration, without defocus.

        Its sign is that of a coverslip that is too thick, or of depth in a medium like tissue.
        """
        even = replace(settings, astigmatism_waves=(0.0, 0.0), coma_waves=(0.0, 0.0))
        radius2 = self.grid.radius2[self.grid.inside]
        waves = self.wavefront(even)[self.grid.inside] / (2 * math.pi)
        sign = (waves * (6 * radius2**2 - 6 * radius2 + 1)).sum().sign()
        return float(waves.square().mean().sqrt() * sign)

    def images(
        self, vector: torch.Tensor, position: torch.Tensor, z_um: torch.Tensor
    ) -> torch.Tensor:
        """Return the images of a bead of unit light.

        Parameters
        ----------
        vector
            Of `PARAMETERS`, shape (9,).
        position
            Where the bead is: its z, and how far it lies from the middle of the crop along y and x;
            in µm, shape (3,).
        z_um
            Positions of the stage, shape (n,).

        Returns
        -------
        torch.Tensor
            Shape (n, crop_px, crop_px).
        """
        grid, settings = self.grid, self.settings(vector)
        amplitude = grid.amplitude(settings)
        phase = self.wavefront(settings) + grid.defocus(settings, z_um - position[0])
        pupil = amplitude * torch.exp(1j * phase)
        side = self.crop_px + 2 * MARGIN_PX
        along_um = (torch.arange(2 * side) - side) * (self.pixel_size_um / 2)
        field = grid.image(settings, pupil, along_um - position[1], along_um - position[2])
        planes = integrate_pixels(field.abs().square())
        # A ball of diameter d has the variance d²/20 along each axis.
        variance_um2 = blur_variance(1.0) * vector[BLUR] + self.bead_diameter_um**2 / 20
        planes = blur(planes, variance_um2 / self.pixel_size_um**2)
        inner = slice(MARGIN_PX, MARGIN_PX + self.crop_px)
        # By Parseval the light of all the image is that of the pupil.
        frequency = settings.numerical_aperture / settings.wavelength_um
        period_px = (len(grid.axis) - 1) / (2 * frequency) / self.pixel_size_um
        return planes[:, inner, inner] / (amplitude.square().sum() * period_px**2)


def disk_radius_um(system: ImagingSystem, z_um: float) -> float:
    """Return the radius of the disk that a point shows at a distance from focus."""
    lens = system.objective
    return z_um * math.tan(math.asin(min(0.95, lens.numerical_aperture / lens.immersion_index)))
