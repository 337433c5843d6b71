"""The point-spread function of a confocal microscope."""

from __future__ import annotations

import math
from dataclasses import replace

import torch

from deepz_zoo.optics.psf import PsfParameters, best_focus_um, intensity
from deepz_zoo.optics.system import Confocal

_AIRY_DISK = 1.22  # diameter in λ/NA


def confocal_point_spread_function(
    parameters: PsfParameters,
    confocal: Confocal,
    z_um: torch.Tensor,
    *,
    size_px: int,
    pixel_size_um: float,
) -> torch.Tensor:
    """Compute the light that a point source sends through the pinhole, against the stage.

    It is the intensity with which the laser excites the source, times that of its image summed
    over the pinhole (Shaw and Rawlins, J. Microsc. 163, 151, 1991). Both pass the same objective
    and mount, so that their aberrations are the same. The beam is scanned: the image is sampled at
    points, not integrated over pixels, and has no blur of a camera.

    Parameters
    ----------
    parameters
        The optical settings of emission; the wide-field microscope's with the same mount.
    confocal
        Laser and pinhole.
    z_um
        Positions of the stage, shape (nz,), in µm; 0 is the best focus of the wide-field image, as
        in `point_spread_function`.
    size_px
        Side of the square image; the source lies at pixel ``size_px // 2``. Even.
    pixel_size_um
        Sampling in the specimen.

    Returns
    -------
    torch.Tensor
        Shape (nz, size_px, size_px), float32. The brightest plane sums to 1; the others, unlike
        those of a wide-field microscope, hold less light.
    """
    stage_um = z_um.to(torch.float32) + best_focus_um(parameters, pixel_size_um)
    exciting = replace(parameters, wavelength_um=confocal.excitation_wavelength_um)
    # The pinhole is a few pixels wide: half their size resolves it.
    fine_um = pixel_size_um / 2
    excitation = intensity(exciting, stage_um, 2 * size_px, fine_um)
    detection = intensity(parameters, stage_um, 2 * size_px, fine_um)
    airy_um = _AIRY_DISK * parameters.wavelength_um / parameters.numerical_aperture
    through = _sum_over_disk(detection, confocal.pinhole_airy * airy_um / 2 / fine_um)
    psf = (excitation * through)[:, ::2, ::2]
    return psf / psf.sum(dim=(1, 2)).max()


def _sum_over_disk(images: torch.Tensor, radius_px: float) -> torch.Tensor:
    """Convolve images (nz, ny, nx) with a disk, by its transfer function 2 J₁(x)/x."""
    ny, nx = images.shape[-2:]
    fy = torch.fft.fftfreq(ny, device=images.device)[:, None]
    fx = torch.fft.rfftfreq(nx, device=images.device)[None, :]
    x = (2 * math.pi * radius_px * torch.sqrt(fy**2 + fx**2)).clamp(min=1e-6)
    transfer = 2 * torch.special.bessel_j1(x) / x
    summed: torch.Tensor = torch.fft.irfft2(torch.fft.rfft2(images) * transfer, s=(ny, nx))
    return summed.clamp(min=0)
