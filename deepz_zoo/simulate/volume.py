"""A volume of fluorescence, and how point and ball-shaped emitters are drawn into it."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch


@dataclass(frozen=True)
class Volume:
    """The grid on which a specimen is drawn.

    Attributes
    ----------
    shape
        Planes, rows and columns.
    pixel_size_um, z_step_um
        Lateral and axial spacing; the middle plane lies at z = 0. Rows and columns are periodic,
        so that light from beyond the field of view is not missing at its border.
    """

    shape: tuple[int, int, int]
    pixel_size_um: float
    z_step_um: float

    @property
    def size_um(self) -> tuple[float, float]:
        """Height and width of the field of view in µm."""
        return self.shape[1] * self.pixel_size_um, self.shape[2] * self.pixel_size_um

    @property
    def half_depth_um(self) -> float:
        """Distance from the middle plane to the first or last one in µm."""
        return (self.shape[0] - 1) / 2 * self.z_step_um

    def z_um(self, device: torch.device | str = "cpu") -> torch.Tensor:
        """Return the positions of the planes, ascending, shape (nz,)."""
        return (torch.arange(self.shape[0], device=device) - (self.shape[0] - 1) / 2) * (
            self.z_step_um
        )


def draw_emitters(
    volume: Volume, positions_um: torch.Tensor, light: torch.Tensor, radius_um: torch.Tensor
) -> torch.Tensor:
    """Draw balls of given radius, each as a Gaussian of the same second moments.

    Parameters
    ----------
    volume
        The grid.
    positions_um
        Centers as (z, y, x), shape (n, 3); z = 0 is the middle plane, y = x = 0 the center of the
        first pixel.
    light
        Light of each emitter, shape (n,).
    radius_um
        Radius of each ball, shape (n,). A ball of radius r has the variance r²/5 along each axis.

    Returns
    -------
    torch.Tensor
        The volume, float32; its sum is the sum of `light`. Emitters beyond the first or last plane
        are dropped.
    """
    nz, ny, nx = volume.shape
    device = positions_um.device
    step = torch.tensor(
        [volume.z_step_um, volume.pixel_size_um, volume.pixel_size_um], device=device
    )
    center = positions_um / step
    center[:, 0] += (nz - 1) / 2
    inside = (center[:, 0] >= 0) & (center[:, 0] <= nz - 1)
    center, light, radius_um = center[inside], light[inside], radius_um[inside]
    out = torch.zeros(nz * ny * nx, device=device)
    if not len(center):
        return out.view(volume.shape)
    # A sampled Gaussian needs a width of about half a sample to keep its centroid.
    sigma = torch.sqrt((radius_um[:, None] ** 2 / 5) / step**2 + 0.25**2).clamp(min=0.4)
    radius_px = [math.ceil(3 * s) for s in sigma.amax(dim=0).tolist()]
    weights, indices = [], []
    for axis, size in enumerate(volume.shape):
        offset = torch.arange(-radius_px[axis], radius_px[axis] + 1, device=device)
        index = center[:, axis, None].round() + offset
        weight = torch.exp(-0.5 * ((index - center[:, axis, None]) / sigma[:, axis, None]) ** 2)
        if axis == 0:
            weight = weight * ((index >= 0) & (index <= size - 1))
            index = index.clamp(0, size - 1)
        weights.append(weight / weight.sum(dim=1, keepdim=True))
        indices.append(index.long() % size)
    value = torch.einsum("ni,nj,nk,n->nijk", *weights, light)
    flat = (indices[0][:, :, None, None] * ny + indices[1][:, None, :, None]) * nx + indices[2][
        :, None, None, :
    ]
    out.index_add_(0, flat.flatten(), value.flatten())
    return out.view(volume.shape)
