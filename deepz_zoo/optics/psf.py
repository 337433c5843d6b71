"""Point-spread functions of a wide-field microscope with a mismatched coverslip, depth and index.

The scalar field is that of `deepz_zoo.optics.pupil`: the optical path of Gibson and Lanni, coma
and astigmatism as Zernike terms, and an uneven amplitude where a tilted slide or a clipped back
aperture makes it so. The **sign of z** is that of the whole project (and of psfmodels): plane ``i``
shows a point source at z = 0 as the camera sees it with the stage at ``z_um[i]``. For a coverslip
that is too thin the rings lie at z > 0; for a specimen deep in tissue at z < 0.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from functools import lru_cache

import torch
from torch.nn import functional

from deepz_zoo.optics.instrument import Instrument
from deepz_zoo.optics.pupil import DESIGN_COVERSLIP_UM, Number, PupilGrid
from deepz_zoo.optics.system import ImagingSystem

_PUPIL_PX = 256
# Bounds the memory to some hundred megabytes.
_PLANES_AT_ONCE = 32


@dataclass(frozen=True)
class PsfParameters:
    """One instrument: the optical settings of one point-spread function (lengths in µm).

    ``astigmatism_waves`` (oblique, vertical) and ``coma_waves`` (along y, along x) are Zernike
    terms by their largest value, the wavefront error in waves at the edge of the pupil; the rms
    over the pupil is 1/√6 of that for astigmatism and 1/√8 for coma.

    ``pupil_gradient`` is (g_y, g_x): the intensity over the pupil is 1 + g · u, with u from -1 to 1
    from edge to edge. Its length is at most 1, since light is not negative. A defocused disk of
    radius R has its centroid g R/4 away from its center: toward (g_y, g_x) at z > 0, the opposite
    way at z < 0.
    """

    numerical_aperture: float
    wavelength_um: float
    immersion_index: float
    design_immersion_index: float
    coverslip_um: float = DESIGN_COVERSLIP_UM
    depth_um: float = 0.0
    specimen_index: float = 1.0
    astigmatism_waves: tuple[float, float] = (0.0, 0.0)
    coma_waves: tuple[float, float] = (0.0, 0.0)
    residual_blur_um: float = 0.0
    pupil_gradient: tuple[float, float] = (0.0, 0.0)

    @classmethod
    def nominal(cls, system: ImagingSystem) -> PsfParameters:
        """Return the aberration-free settings of `system`: design coverslip, depth 0."""
        lens = system.objective
        return cls(
            numerical_aperture=lens.numerical_aperture,
            wavelength_um=system.channel.emission_wavelength_um,
            immersion_index=lens.immersion_index,
            design_immersion_index=lens.immersion_index,
            specimen_index=lens.immersion_index,
        )

    @classmethod
    def of(cls, instrument: Instrument, *, design_immersion_index: float) -> PsfParameters:
        """Return the settings of an instrument whose objective is made for an immersion medium."""
        return cls(**instrument.model_dump(), design_immersion_index=design_immersion_index)

    @classmethod
    def draw(cls, system: ImagingSystem, generator: torch.Generator) -> PsfParameters:
        """Draw the settings of one instrument from the ranges of `system`.

        Where the instrument is known, they lie closely around it, see `Instrument.draw`.
        """
        lens, ranges = system.objective, system.aberrations
        if system.instrument is not None:
            drawn = system.instrument.draw(generator)
            return cls.of(drawn, design_immersion_index=lens.immersion_index)

        def uniform(low: float, high: float) -> float:
            return low + (high - low) * torch.rand((), generator=generator).item()

        def vector(largest: float) -> tuple[float, float]:
            length, angle = uniform(0.0, largest), uniform(0.0, 2 * math.pi)
            return length * math.cos(angle), length * math.sin(angle)

        mean, sd = ranges.coverslip_um
        deviation = sd * torch.randn((), generator=generator).item()
        return cls(
            numerical_aperture=lens.numerical_aperture * (1 - uniform(0.0, ranges.na_loss)),
            wavelength_um=uniform(*system.channel.emission_band_um),
            immersion_index=uniform(*ranges.immersion_index),
            design_immersion_index=lens.immersion_index,
            coverslip_um=mean + max(-15.0, min(15.0, deviation)),
            depth_um=uniform(*ranges.depth_um),
            specimen_index=uniform(*ranges.specimen_index),
            astigmatism_waves=vector(ranges.astigmatism_waves),
            coma_waves=vector(ranges.coma_waves),
            residual_blur_um=uniform(*ranges.residual_blur_um),
            pupil_gradient=vector(ranges.pupil_gradient),
        )

    def with_spherical_aberration(self, factor: float) -> PsfParameters:
        """Return the same settings with `factor` times the spherical aberration.

        The optical path of Gibson and Lanni is linear in depth, in coverslip and in index mismatch.
        0 leaves none. A negative factor stands for an instrument and mount of the opposite sign and
        mirrors the point-spread function in z, where it has no astigmatism and an even pupil; its
        negative depth is no place in a specimen.
        """
        return replace(
            self,
            coverslip_um=DESIGN_COVERSLIP_UM + factor * (self.coverslip_um - DESIGN_COVERSLIP_UM),
            depth_um=factor * self.depth_um,
            immersion_index=self.design_immersion_index
            + factor * (self.immersion_index - self.design_immersion_index),
        )


def point_spread_function(
    parameters: PsfParameters,
    z_um: torch.Tensor,
    *,
    size_px: int,
    pixel_size_um: float,
    recenter: bool = True,
) -> torch.Tensor:
    """Compute the intensity of a point source against the position of the stage.

    Parameters
    ----------
    parameters
        The optical settings.
    z_um
        Positions of the stage, shape (nz,), in µm; may lie on any device.
    size_px
        Side of the square image; the source lies at pixel ``size_px // 2``. Even.
    pixel_size_um
        Sampling in the specimen.
    recenter
        Put z = 0 at the plane of the brightest pixel, as an observer who focuses would. Without
        it, z = 0 is the paraxial focus.

    Returns
    -------
    torch.Tensor
        Shape (nz, size_px, size_px), float32. The light of one plane is the same in all planes and
        sums to 1 as far as the image holds it.
    """
    z_um = z_um.to(torch.float32)
    focus_um = best_focus_um(parameters, pixel_size_um) if recenter else 0.0
    # Twice the camera's sampling resolves the field; pixels integrate it by the trapezoidal rule.
    fine = intensity(parameters, z_um + focus_um, 2 * size_px, pixel_size_um / 2)
    variance_px2 = blur_variance(parameters.residual_blur_um / pixel_size_um)
    psf = blur(integrate_pixels(fine), variance_px2).clamp(min=0)
    # Light is conserved along z; the plane nearest to the focus loses least at the image's edge.
    return psf / psf.sum(dim=(1, 2)).max()


def integrate_pixels(fine: torch.Tensor) -> torch.Tensor:
    """Average images (n, 2 ny, 2 nx) over pixels twice as wide, around every second point."""
    weights = torch.tensor([0.25, 0.5, 0.25], device=fine.device)
    kernel = (weights[:, None] * weights[None, :])[None, None]
    return functional.conv2d(fine[:, None], kernel, stride=2, padding=1)[:, 0]


def blur_variance(fwhm: Number) -> Number:
    """Return the variance of a Gaussian of a full width at half maximum, in its unit squared."""
    return fwhm**2 / (8 * math.log(2))


def blur(images: torch.Tensor, variance_px2: Number) -> torch.Tensor:
    """Convolve images (..., ny, nx) with a Gaussian; their borders are periodic."""
    ny, nx = images.shape[-2:]
    fy = torch.fft.fftfreq(ny, device=images.device)[:, None]
    fx = torch.fft.rfftfreq(nx, device=images.device)[None, :]
    transfer = torch.exp(-2 * math.pi**2 * variance_px2 * (fy**2 + fx**2))
    blurred: torch.Tensor = torch.fft.irfft2(torch.fft.rfft2(images) * transfer, s=(ny, nx))
    return blurred


@lru_cache(maxsize=8)  # the wide-field and the confocal microscope ask for the same one
def best_focus_um(parameters: PsfParameters, pixel_size_um: float) -> float:
    """Find the plane of the brightest pixel, first coarsely, then to 0.05 µm.

    Returns its distance from the paraxial focus.
    """
    n, na = parameters.immersion_index, parameters.numerical_aperture
    depth_of_field = parameters.wavelength_um * n / na**2
    center, half, step = 0.0, 16 * depth_of_field, depth_of_field / 2
    while True:
        z = torch.arange(center - half, center + half + step / 2, step)
        peaks = intensity(parameters, z, 32, pixel_size_um).amax(dim=(1, 2))
        center = z[int(peaks.argmax())].item()
        if step <= 0.05:
            return center
        half, step = step, step / 10


def intensity(
    parameters: PsfParameters, z_um: torch.Tensor, size_px: int, pixel_size_um: float
) -> torch.Tensor:
    """Sample the intensity of a point source at points; z = 0 is the paraxial focus.

    Pixels are not integrated over, and neither blurred nor scaled, see `point_spread_function`.
    """
    grid = PupilGrid(_PUPIL_PX, z_um.device)
    phase, amplitude = grid.phase(parameters), grid.amplitude(parameters)
    along_um = (torch.arange(size_px, device=z_um.device) - size_px // 2) * pixel_size_um
    planes = []
    for chunk in torch.split(z_um, _PLANES_AT_ONCE):
        phases = phase + grid.defocus(parameters, chunk)
        pupil = torch.polar(amplitude.expand_as(phases), phases)
        planes.append(grid.image(parameters, pupil, along_um, along_um).abs().square())
    return torch.cat(planes)
