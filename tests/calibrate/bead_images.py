"""Camera images of beads through a known instrument, made plane by plane."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray

from deepz_zoo.optics.psf import PsfParameters, point_spread_function
from deepz_zoo.simulate.camera import Camera

Floats = NDArray[np.float64]


def bead_stack(
    parameters: PsfParameters,
    beads: Floats,
    stage_um: Floats,
    *,
    shape: tuple[int, int],
    pixel_size_um: float,
    peak: float = 8000.0,
    background: float = 20.0,
    seed: int = 0,
) -> NDArray[np.uint16]:
    """Return what the camera shows of beads at each position of the stage, (nz, ny, nx).

    `beads` holds z in µm and y, x in pixels; `peak` is the electrons of the brightest pixel of all.
    """
    side = 96
    planes = np.zeros((len(stage_um), shape[0] + 2 * side, shape[1] + 2 * side))
    frequency_y = torch.fft.fftfreq(side)[:, None]
    frequency_x = torch.fft.rfftfreq(side)[None, :]
    for z, y, x in beads:
        psf = point_spread_function(
            parameters, torch.from_numpy(stage_um - z), size_px=side, pixel_size_um=pixel_size_um
        )
        shift = frequency_y * (y - round(y)) + frequency_x * (x - round(x))
        spectrum = torch.fft.rfft2(psf) * torch.exp(-2j * np.pi * shift)
        moved = torch.fft.irfft2(spectrum, s=(side, side)).clamp(min=0).double().numpy()
        top, left = round(y) + side // 2, round(x) + side // 2
        planes[:, top : top + side, left : left + side] += moved
    planes = planes[:, side:-side, side:-side]
    electrons = torch.from_numpy(planes * (peak / planes.max()) + background)
    camera = Camera().expose(electrons, torch.Generator().manual_seed(seed))
    return camera.numpy().astype(np.uint16)


def spread_out(
    count: int, shape: tuple[int, int], distance_px: float, rng: np.random.Generator
) -> Floats:
    """Return places (y, x) that keep a distance from each other and from the edges."""
    kept: list[Floats] = []
    for _ in range(20_000):
        place = rng.uniform(distance_px / 1.5, np.array(shape) - distance_px / 1.5)
        if all(np.hypot(*(place - other)) > distance_px for other in kept):
            kept.append(place)
        if len(kept) == count:
            return np.array(kept)
    raise ValueError(f"{count} beads do not fit")
