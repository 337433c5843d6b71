"""Wide-field image formation: a volume of light convolved with a three-dimensional PSF."""

from __future__ import annotations

import torch

from deepz_zoo.optics.psf import PsfParameters, point_spread_function
from deepz_zoo.simulate.volume import Volume


def focal_planes(z_range_um: float, z_step_um: float) -> torch.Tensor:
    """Return the ascending stage positions of a stack from -range to +range, shape (nz,)."""
    half = int(z_range_um / z_step_um + 1e-6)
    return torch.arange(-half, half + 1) * z_step_um


class WideField:
    """A microscope with one point-spread function; images volumes into z-stacks.

    Parameters
    ----------
    volume
        Grid of the specimens that will be imaged; square or not, rows and columns are even. Kept
        as an attribute.
    z_range_um
        The stack reaches from -range to +range, at the volume's step.
    parameters
        Optical settings of the instrument; kept as an attribute.
    device
        Where the transfer function lives and the imaging runs.
    """

    def __init__(
        self,
        volume: Volume,
        z_range_um: float,
        parameters: PsfParameters,
        device: torch.device | str = "cpu",
    ) -> None:
        self.parameters = parameters
        self.volume = volume
        nz, ny, nx = volume.shape
        step = volume.z_step_um
        self.z_um = focal_planes(z_range_um, step)
        reach = (nz - 1) // 2 + (len(self.z_um) - 1) // 2
        distance = torch.arange(-reach, reach + 1, device=device) * step
        psf = point_spread_function(
            parameters, distance, size_px=min(ny, nx), pixel_size_um=volume.pixel_size_um
        )
        # The kernel spans all distances between a plane and a slice: nothing wraps around in z.
        kernel = torch.zeros(2 * reach + 1, ny, nx, device=device)
        side = min(ny, nx)
        kernel[:, :side, :side] = psf
        kernel = kernel.roll((-reach, -(side // 2), -(side // 2)), dims=(0, 1, 2))
        self._transfer = torch.fft.rfftn(kernel)
        self._shape = kernel.shape
        self._first = (nz - 1) // 2 - (len(self.z_um) - 1) // 2

    def image(self, light: torch.Tensor) -> torch.Tensor:
        """Image a volume (nz, ny, nx) into a stack (len(z_um), ny, nx) of the same light units."""
        spectrum = torch.fft.rfftn(light, s=self._shape) * self._transfer
        stack: torch.Tensor = torch.fft.irfftn(spectrum, s=self._shape)
        return stack[self._first : self._first + len(self.z_um)].clamp(min=0)
