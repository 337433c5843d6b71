"""Image formation where the stage stays: one plane of a volume, much faster than a stack."""

from __future__ import annotations

import torch

from deepz_zoo.optics.psf import PsfParameters, point_spread_function
from deepz_zoo.simulate.volume import Volume


class FocalPlane:
    """A microscope whose stage stays at z = 0.

    Parameters
    ----------
    volume
        Grid of the specimens that will be imaged; rows and columns are even.
    parameters
        Optical settings of the instrument.
    """

    def __init__(self, volume: Volume, parameters: PsfParameters) -> None:
        self.volume = volume
        _, ny, nx = volume.shape
        side = min(ny, nx)
        # A slice at z is as far from the plane as the plane is from it.
        psf = point_spread_function(
            parameters, -volume.z_um(), size_px=side, pixel_size_um=volume.pixel_size_um
        )
        kernel = torch.zeros(volume.shape)
        kernel[:, :side, :side] = psf
        shifted = kernel.roll((-(side // 2), -(side // 2)), dims=(1, 2))
        self._transfer = torch.fft.rfft2(shifted)

    def image(self, light: torch.Tensor) -> torch.Tensor:
        """Image a volume (nz, ny, nx) into the plane (ny, nx), in the same units of light."""
        filled = light.flatten(1).any(dim=1).nonzero().flatten()
        spectrum = (torch.fft.rfft2(light[filled]) * self._transfer[filled]).sum(dim=0)
        plane: torch.Tensor = torch.fft.irfft2(spectrum, s=light.shape[1:])
        return plane.clamp(min=0)
