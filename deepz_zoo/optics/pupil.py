"""From the light in the pupil of an objective to its image, differentiable in every setting.

The model is that of psf-generator: the scalar field with the optical path of Gibson and Lanni, coma
and astigmatism as Zernike terms. Settings are numbers, or tensors with respect to which the image
can be differentiated.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Protocol

import torch

GLASS_INDEX = 1.515
DESIGN_COVERSLIP_UM = 170.0
# Working distance in the immersion medium, over which a wrong index of it acts.
_DESIGN_IMMERSION_UM = 100.0
# Keeps the rays at grazing angles, and those outside of the pupil, away from infinity.
_MIN_COSINE2 = 0.001
_TINY = 1e-12

Number = float | torch.Tensor
"""A setting: a number, or a tensor without axes."""
Pair = tuple[Number, Number]


class OpticalSettings(Protocol):
    """The settings of `deepz_zoo.optics.psf.PsfParameters`, as numbers or tensors."""

    @property
    def numerical_aperture(self) -> Number:
        """Of the objective with the design's immersion medium."""

    @property
    def wavelength_um(self) -> Number:
        """Of emission."""

    @property
    def immersion_index(self) -> Number:
        """Of the immersion medium as it is."""

    @property
    def design_immersion_index(self) -> Number:
        """Of the immersion medium that the objective is made for."""

    @property
    def coverslip_um(self) -> Number:
        """Thickness of the coverslip."""

    @property
    def depth_um(self) -> Number:
        """Depth of the focal plane below the coverslip."""

    @property
    def specimen_index(self) -> Number:
        """Of the mounting medium."""

    @property
    def astigmatism_waves(self) -> Pair:
        """Oblique and vertical."""

    @property
    def coma_waves(self) -> Pair:
        """Along y and along x."""

    @property
    def pupil_gradient(self) -> Pair:
        """Along y and along x."""


class PupilGrid:
    """A square grid over the pupil, whose edges are those of the pupil.

    Parameters
    ----------
    side_px
        Points along a side. The image repeats after λ (side_px - 1) / (2 NA).
    device
        Where to compute.
    """

    def __init__(self, side_px: int, device: torch.device | str = "cpu") -> None:
        self.axis = torch.linspace(-1, 1, side_px, device=device)
        self.y, self.x = self.axis[:, None], self.axis[None, :]
        self.radius2 = self.y**2 + self.x**2
        self.inside = self.radius2 <= 1

    def amplitude(self, settings: OpticalSettings) -> torch.Tensor:
        """Return the amplitude of the light, 0 outside of the pupil, shape (side_px, side_px)."""
        gradient_y, gradient_x = settings.pupil_gradient
        # The transform to the image inverts the pupil; -s is the side of the disk that a ray meets.
        intensity = (1 - gradient_y * self.y - gradient_x * self.x).clamp(min=_TINY)
        return (intensity / self.cosine(settings)).sqrt() * self.inside

    def cosine(self, settings: OpticalSettings) -> torch.Tensor:
        """Return the cosine of each ray's angle in the immersion medium."""
        sine = settings.numerical_aperture / settings.design_immersion_index
        return (1 - sine**2 * self.radius2).clamp(min=_MIN_COSINE2).sqrt()

    def path_um(self, settings: OpticalSettings) -> torch.Tensor:
        """Return by how much mount and immersion lengthen the optical path.

        It is that of Gibson and Lanni (J. Opt. Soc. Am. A 8, 1601, 1991) for a point source below
        a coverslip, with the stage at the paraxial focus. Linear in the depth and in the thickness
        of the coverslip.
        """
        n, n_0, n_s = (
            settings.immersion_index,
            settings.design_immersion_index,
            settings.specimen_index,
        )
        layer = self._layers(settings)
        depth_um, glass_um = settings.depth_um, settings.coverslip_um - DESIGN_COVERSLIP_UM
        return (
            depth_um * (layer(n_s) - n / n_s * layer(n))
            + glass_um * (layer(GLASS_INDEX) - n / GLASS_INDEX * layer(n))
            + _DESIGN_IMMERSION_UM * (n / n_0 * layer(n) - layer(n_0))
        )

    def _layers(self, settings: OpticalSettings) -> Callable[[Number], torch.Tensor]:
        """Return n cos θ of every ray in a layer, as a function of its index n."""
        n = settings.immersion_index
        sine = settings.numerical_aperture / settings.design_immersion_index
        # n sin θ is the same in all layers; light beyond the critical angle is taken as grazing.
        grazing = min(float(settings.specimen_index), GLASS_INDEX)
        n_sine2 = (n**2 * sine**2 * self.radius2).clamp(max=grazing**2)
        return lambda index: (index**2 - n_sine2).clamp(min=_TINY).sqrt()

    def zernike_waves(self, settings: OpticalSettings) -> torch.Tensor:
        """Return the wavefront error of astigmatism and coma; each term is 1 at its largest."""
        oblique, vertical = settings.astigmatism_waves
        coma_y, coma_x = settings.coma_waves
        return (
            2 * oblique * self.y * self.x
            + vertical * (self.x**2 - self.y**2)
            + (3 * self.radius2 - 2) * (coma_y * self.y + coma_x * self.x)
        )

    def phase(self, settings: OpticalSettings) -> torch.Tensor:
        """Return the phase of the light in radians at the paraxial focus, unbounded."""
        path_waves = self.path_um(settings) / settings.wavelength_um
        return 2 * math.pi * (path_waves + self.zernike_waves(settings))

    def defocus(self, settings: OpticalSettings, z_um: torch.Tensor) -> torch.Tensor:
        """Return the phase that positions of the stage add, shape (*z_um.shape, side, side)."""
        k = 2 * math.pi / settings.wavelength_um * settings.immersion_index
        # The minus sign turns z toward the objective into the stage's.
        return -k * z_um[..., None, None] * self.cosine(settings)

    def image(
        self,
        settings: OpticalSettings,
        pupil: torch.Tensor,
        y_um: torch.Tensor,
        x_um: torch.Tensor,
    ) -> torch.Tensor:
        """Return the field that a pupil function makes in the image.

        Parameters
        ----------
        settings
            The optical settings.
        pupil
            Complex, shape (..., side_px, side_px).
        y_um, x_um
            Distances from the image of the point source, shapes (ny,) and (nx,).

        Returns
        -------
        torch.Tensor
            Complex, shape (..., ny, nx).
        """
        index = settings.immersion_index / settings.design_immersion_index
        frequency = settings.numerical_aperture * index / settings.wavelength_um
        rows, columns = (
            torch.exp(2j * math.pi * frequency * position[:, None] * self.axis[None, :])
            for position in (y_um, x_um)
        )
        return rows @ pupil @ columns.T
