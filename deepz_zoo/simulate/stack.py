"""Simulated z-stacks: a specimen, a microscope and a camera put together."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

import numpy as np
import torch
from numpy.typing import NDArray

from deepz_zoo.dpm import Surface
from deepz_zoo.errors import DeepZError
from deepz_zoo.intensities import intensity_scale
from deepz_zoo.memory import refuse_too_large
from deepz_zoo.optics import ImagingSystem
from deepz_zoo.optics.psf import PsfParameters
from deepz_zoo.simulate.acquisition import Acquisition
from deepz_zoo.simulate.camera import Camera, Exposure
from deepz_zoo.simulate.specimens import SPECIMENS, Emitters, beads_on, draw_specimen
from deepz_zoo.simulate.volume import Volume, draw_emitters
from deepz_zoo.simulate.widefield import WideField

Noise = Literal["low", "realistic"]

HELD_OUT_SEED = 1_000_000
"""Seeds from here on are for measuring accuracy; training draws from those below."""

_BYTES_PER_VOXEL = 125  # of the specimen, as measured


@dataclass(frozen=True)
class SimulatedStack:
    """A simulated z-stack with everything that is known about it.

    Attributes
    ----------
    camera
        What the camera recorded, uint16, shape (nz, ny, nx), in grey levels.
    noise_free
        The same without noise, float32.
    z_um
        Ascending stage positions of the planes, shape (nz,); z = 0 is the middle plane.
    emitters_um
        Centers of the emitters as (z, y, x), shape (n, 3): an emitter at z is in focus in the
        plane at z; y = x = 0 is the center of the first pixel.
    psf
        Optical settings of the microscope.
    exposure
        Brightness and background.
    confocal
        Noise-free planes of the confocal microscope, for a system of Deep-Z+, in grey levels that
        give its stack the background and intensity scale of `noise_free`; float32.
    """

    camera: NDArray[np.uint16]
    noise_free: NDArray[np.float32]
    z_um: NDArray[np.float64]
    emitters_um: NDArray[np.float32]
    system: ImagingSystem
    specimen: str
    seed: int
    psf: PsfParameters
    exposure: Exposure
    confocal: NDArray[np.float32] | None = None

    @property
    def ground_truth(self) -> NDArray[np.float32]:
        """What a model should make of the planes of `camera`: noise-free, shape (nz, ny, nx)."""
        return self.noise_free if self.confocal is None else self.confocal


def specimen_volume(system: ImagingSystem, shape: tuple[int, int]) -> Volume:
    """Return the grid of a specimen that is twice as deep as the axial range.

    Light from beyond the range makes its edges look as they do in a real specimen.
    """
    half = int(2 * system.z_range_um / system.z_step_um + 1e-6)
    return Volume((2 * half + 1, *shape), system.pixel_size_um, system.z_step_um)


def make_microscope(
    system: ImagingSystem,
    shape: tuple[int, int],
    parameters: PsfParameters,
    device: torch.device | str = "cpu",
    *,
    z_range_um: float | None = None,
) -> WideField:
    """Make a microscope of a system for specimens of a number of rows and columns.

    Its stacks go from -range to +range: the system's by default, at most twice that.
    """
    volume = specimen_volume(system, shape)
    refuse_too_large(
        math.prod(volume.shape) * _BYTES_PER_VOXEL,
        f"a simulated stack of {shape[0]} × {shape[1]} px",
    )
    return WideField(volume, z_range_um or system.z_range_um, parameters, device, system.confocal)


def simulate_stack(
    system: ImagingSystem,
    specimen: str,
    *,
    seed: int,
    shape: tuple[int, int] = (256, 256),
    noise: Noise = "realistic",
    device: torch.device | str = "cpu",
    microscope: WideField | None = None,
    acquisition: Acquisition | None = None,
    surface: Surface | None = None,
) -> SimulatedStack:
    """Simulate a calibrated wide-field z-stack.

    Parameters
    ----------
    system
        Objective, channel, sampling and axial range.
    specimen
        One of `SPECIMENS`.
    seed
        Seed of specimen, optics, exposure and noise; the same seed gives the same stack on the
        same device. Seeds from `HELD_OUT_SEED` on are never trained on.
    shape
        Rows and columns, even, at least 16.
    noise
        ``"low"``: exposed to fill the camera's well over a dark background; ``"realistic"``: any
        exposure and background of the ranges.
    device
        Where to compute.
    microscope
        A microscope to be used again, made for the same system and shape, instead of a new one.
    acquisition
        Drift, jitter and bleaching; none by default. `noise_free` has them too.
    surface
        Where beads lie, at distances from the middle plane; a drawn one by default.

    Raises
    ------
    DeepZError
        If the specimen is unknown, the shape too small, or a surface given for other than beads.
    """
    if surface is not None and specimen != "beads":
        raise DeepZError(f"{surface} for {specimen}; expected beads, which alone lie on surfaces")
    if specimen not in SPECIMENS:
        raise DeepZError(f"unknown specimen '{specimen}'; expected one of {', '.join(SPECIMENS)}")
    if min(shape) < 16 or shape[0] % 2 or shape[1] % 2:
        raise DeepZError(f"image of {shape[0]}×{shape[1]} px; expected even sides of 16 or more")
    generator = torch.Generator(device).manual_seed(seed)
    settings = torch.Generator().manual_seed(seed)
    if microscope is None:
        microscope = make_microscope(system, shape, PsfParameters.draw(system, settings), device)
    if surface is None:
        emitters = draw_specimen(specimen, microscope.volume, generator)
    else:
        z_um = torch.from_numpy(surface.dpm(shape, system.pixel_size_um))
        emitters = beads_on(microscope.volume, z_um, generator)
    return acquire_stack(
        system,
        emitters,
        microscope,
        Exposure.draw(noise, settings),
        specimen=specimen,
        seed=seed,
        generator=generator,
        acquisition=acquisition,
    )


def acquire_stack(
    system: ImagingSystem,
    emitters: Emitters,
    microscope: WideField,
    exposure: Exposure,
    *,
    specimen: str,
    seed: int,
    generator: torch.Generator,
    camera: Camera | None = None,
    acquisition: Acquisition | None = None,
) -> SimulatedStack:
    """Take a z-stack of given emitters with a given microscope.

    Parameters
    ----------
    system
        What the microscope was made for.
    emitters
        The specimen.
    microscope
        Made for the system and for the grid of the specimen.
    exposure
        Brightness and background.
    specimen, seed
        What the stack says of its origin.
    generator
        Source of the noise, on the device of the emitters.
    camera
        By default that of the paper's microscopes.
    acquisition
        Drift, jitter and bleaching of the wide-field stack; none by default.
    """
    volume = microscope.volume
    light = draw_emitters(volume, emitters.positions_um, emitters.light, emitters.radius_um)
    planes, confocal = microscope.image(light), microscope.confocal_image(light)
    if acquisition is not None:
        planes = acquisition.apply(planes, generator)
    electrons = exposure.electrons(planes)
    camera = camera or Camera()
    noise_free = camera.expected(electrons).cpu().numpy().astype(np.float32)
    return SimulatedStack(
        camera=camera.expose(electrons, generator).cpu().numpy().astype(np.uint16),
        noise_free=noise_free,
        z_um=microscope.z_um.numpy().astype(np.float64),
        emitters_um=emitters.positions_um.cpu().numpy(),
        system=system,
        specimen=specimen,
        seed=seed,
        psf=microscope.parameters,
        exposure=exposure,
        confocal=(
            None
            if confocal is None
            else in_grey_levels_of(noise_free, confocal.cpu().numpy(), camera.brightest)
        ),
    )


def in_grey_levels_of(
    stack: NDArray[np.float32], light: NDArray[np.float32], brightest: float
) -> NDArray[np.float32]:
    """Give light the background and scale of a stack, each by its brightest values along z.

    Both have shape (nz, ny, nx); no value exceeds `brightest`.

    Without haze the few brightest points stand out more: they are clipped.
    """
    light = light * (stack.max() / light.max())  # the threshold depends on the levels of an image
    theirs, own = (intensity_scale(planes.max(axis=0)) for planes in (stack, light))
    return theirs.undo(own.apply(light)).clip(max=brightest)
