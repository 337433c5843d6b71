"""The example that a package carries: a simulated camera image, a tilted DPM, the ground truth."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np
import torch
from numpy.typing import NDArray

from deepz_zoo.dpm import Tilt
from deepz_zoo.optics.psf import PsfParameters
from deepz_zoo.simulate import HELD_OUT_SEED, simulate_stack
from deepz_zoo.simulate.stack import make_microscope
from deepz_zoo.zoo.stored_examples import StoredStack, stored_stack

if TYPE_CHECKING:
    from deepz_zoo.optics import ImagingSystem
    from deepz_zoo.simulate import SimulatedStack

SPECIMEN = "nuclei"  # or what a system is for that has none
SHAPE = (192, 256)

# Added to the first held-out seed: apart from the seeds that validate or measure a model.
_EXAMPLE_SEED = 900_000
_EXAMPLE_TRIES = 10
_MIN_CORRELATION = 0.9  # of the camera image with the one without noise

# Fractions of the half-range that the example's surface rises over the width and over the height
# of the image, and at its center: there is no symmetry, and 80 % of the range is not exceeded.
_RISE_X, _RISE_Y, _CENTER = 1.0, 0.4, 0.1


@dataclass(frozen=True)
class Example:
    """A held-out simulated stack with a surface to refocus onto.

    Attributes
    ----------
    stack
        The simulated z-stack, or the planes of it that are stored.
    dpm_um
        Tilted surface, float32, shape (ny, nx); never constant, and zero on a line only.
    """

    stack: SimulatedStack | StoredStack
    dpm_um: NDArray[np.float32]

    @property
    def image(self) -> NDArray[np.float32]:
        """The camera image of the middle plane, float32, shape (ny, nx)."""
        middle: NDArray[np.float32] = self.stack.camera[len(self.stack.z_um) // 2].astype(
            np.float32
        )
        return middle

    @property
    def tensor(self) -> NDArray[np.float32]:
        """Input of a model: image and surface, shape (1, 2, ny, nx)."""
        return np.stack([self.image, self.dpm_um])[None]


def make_example(system: ImagingSystem, shape: tuple[int, int] = SHAPE) -> Example:
    """Return the example of a package for an imaging system: the stored one, or a simulated one.

    Parameters
    ----------
    system
        Objective, channel, sampling and axial range.
    shape
        Rows and columns.
    """
    stack: SimulatedStack | StoredStack | None = stored_stack(system) if shape == SHAPE else None
    return Example(stack or simulate_example_stack(system, shape), tilted_surface(system, shape))


def simulate_example_stack(system: ImagingSystem, shape: tuple[int, int] = SHAPE) -> SimulatedStack:
    """Simulate the stack of a package's example: the first whose image is not mostly noise."""
    specimen = SPECIMEN if SPECIMEN in system.specimens else system.specimens[0]
    for seed_offset in range(_EXAMPLE_SEED, _EXAMPLE_SEED + _EXAMPLE_TRIES):
        (stack,) = held_out_stacks(
            system, (specimen,), seed_offset=seed_offset, shape=shape, noise="realistic"
        )
        if noise_free_correlation(stack) >= _MIN_CORRELATION:
            break
    return stack


def noise_free_correlation(stack: SimulatedStack | StoredStack) -> float:
    """Return the correlation of the middle plane's camera image with the one without noise."""
    middle = len(stack.z_um) // 2
    return float(np.corrcoef(stack.camera[middle].ravel(), stack.noise_free[middle].ravel())[0, 1])


def held_out_stacks(
    system: ImagingSystem,
    specimens: Sequence[str],
    *,
    seed_offset: int,
    shape: tuple[int, int],
    noise: Literal["low", "realistic"],
) -> list[SimulatedStack]:
    """Simulate one stack of each specimen with the same microscope, of a seed never trained on."""
    seed = HELD_OUT_SEED + seed_offset
    psf = PsfParameters.draw(system, torch.Generator().manual_seed(seed))
    microscope = make_microscope(system, shape, psf)
    return [
        simulate_stack(
            system,
            specimen,
            seed=seed,
            shape=shape,
            noise=noise,
            microscope=microscope,
        )
        for specimen in specimens
    ]


def tilted_surface(system: ImagingSystem, shape: tuple[int, int]) -> NDArray[np.float32]:
    """Return a surface in µm that is tilted around both axes and spans most of the range."""
    ny, nx = shape

    def degrees(rise: float, pixels: int) -> float:
        return math.degrees(
            math.atan(rise * system.z_range_um / ((pixels - 1) * system.pixel_size_um))
        )

    across = Tilt(degrees(_RISE_X, nx), axis="y")
    down = Tilt(degrees(_RISE_Y, ny), axis="x", offset_um=_CENTER * system.z_range_um)
    pixel_um = system.pixel_size_um
    return across.dpm(shape, pixel_um) + down.dpm(shape, pixel_um)
