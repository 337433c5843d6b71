"""Image formation: a volume of light convolved with a three-dimensional PSF."""

from __future__ import annotations

import torch

from deepz_zoo.optics import Confocal
from deepz_zoo.optics.confocal import confocal_point_spread_function
from deepz_zoo.optics.psf import PsfParameters, point_spread_function
from deepz_zoo.simulate.volume import Volume


def focal_planes(z_range_um: float, z_step_um: float) -> torch.Tensor:
    """Return the ascending stage positions of a stack from -range to +range, shape (nz,)."""
    half = int(z_range_um / z_step_um + 1e-6)
    return torch.arange(-half, half + 1) * z_step_um


class WideField:
    """A microscope with one point-spread function; images volumes into z-stacks.

    A confocal one may stand beside it, for stacks of both that show the same places.

    Parameters
    ----------
    volume
        Grid of the specimens that will be imaged; square or not, rows and columns are even. Kept
        as an attribute.
    z_range_um
        The stack goes from -range to +range, at the volume's step.
    parameters
        Optical settings of the instrument; kept as an attribute.
    device
        Where the transfer functions live and the imaging runs.
    confocal
        Laser and pinhole of the confocal microscope, which has the same objective and mount.
    """

    def __init__(
        self,
        volume: Volume,
        z_range_um: float,
        parameters: PsfParameters,
        device: torch.device | str = "cpu",
        confocal: Confocal | None = None,
    ) -> None:
        self.parameters = parameters
        self.volume = volume
        nz, ny, nx = volume.shape
        step = volume.z_step_um
        self.z_um = focal_planes(z_range_um, step)
        # The kernel spans all distances between a plane and a slice: nothing wraps around in z.
        half = (nz - 1) // 2 + (len(self.z_um) - 1) // 2
        distance = torch.arange(-half, half + 1, device=device) * step
        self._first = (nz - 1) // 2 - (len(self.z_um) - 1) // 2
        side, pixel_um = min(ny, nx), volume.pixel_size_um
        self._transfer = self._to_transfer(
            point_spread_function(parameters, distance, size_px=side, pixel_size_um=pixel_um)
        )
        self._confocal_transfer: torch.Tensor | None = None
        if confocal is not None:
            psf = confocal_point_spread_function(
                parameters, confocal, distance, size_px=side, pixel_size_um=pixel_um
            )
            self._confocal_transfer = self._to_transfer(psf)

    def image(self, light: torch.Tensor) -> torch.Tensor:
        """Image a volume (nz, ny, nx) into a stack (len(z_um), ny, nx) of the same light units."""
        return self._convolve(light, self._transfer)

    def confocal_image(self, light: torch.Tensor) -> torch.Tensor | None:
        """Image a volume with the confocal microscope; None where there is none."""
        if self._confocal_transfer is None:
            return None
        return self._convolve(light, self._confocal_transfer)

    def _to_transfer(self, psf: torch.Tensor) -> torch.Tensor:
        planes, side, _ = psf.shape
        kernel = torch.zeros(planes, *self.volume.shape[1:], device=psf.device)
        kernel[:, :side, :side] = psf
        shifts = (-(planes // 2), -(side // 2), -(side // 2))
        transfer: torch.Tensor = torch.fft.rfftn(kernel.roll(shifts, dims=(0, 1, 2)))
        return transfer

    def _convolve(self, light: torch.Tensor, transfer: torch.Tensor) -> torch.Tensor:
        shape = (len(transfer), *light.shape[1:])
        stack: torch.Tensor = torch.fft.irfftn(torch.fft.rfftn(light, s=shape) * transfer, s=shape)
        return stack[self._first : self._first + len(self.z_um)].clamp(min=0)
