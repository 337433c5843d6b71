"""The stacks that one instrument takes while one condition at a time is changed."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from functools import cached_property
from typing import TYPE_CHECKING

import torch

from deepz_zoo.evaluation.reference import ReferenceStack
from deepz_zoo.optics.psf import PsfParameters
from deepz_zoo.records.conditions import Condition
from deepz_zoo.simulate.camera import Camera, Exposure
from deepz_zoo.simulate.specimens import Emitters, draw_specimen, scattered_beads
from deepz_zoo.simulate.stack import acquire_stack, make_microscope

if TYPE_CHECKING:
    from deepz_zoo.optics import ImagingSystem
    from deepz_zoo.simulate.widefield import WideField

DISTANCES = (0.2, 0.5, 1.0, 1.25, 1.5)
"""Fractions of the half-range; each is measured in both directions, and 0 once."""
PEAKS_ELECTRONS = (100.0, 300.0, 1000.0, 3000.0, 10_000.0, 28_000.0, 100_000.0)
"""Training saw the brightest pixel of a stack between 1000 and 28 000 electrons."""
BACKGROUND_ELECTRONS = 30.0
DENSITIES = (1.0, 3.0, 10.0, 30.0, 100.0, 300.0)
"""Beads per 1000 µm²; training has isolated beads up to 3.3, and clusters of up to about 40."""
ABERRATIONS = (-1.0, -0.5, 0.0, 0.5, 1.0, 1.5)
"""Factors of the spherical aberration."""
PIXEL_SIZES = (0.8, 0.9, 1.0, 1.1, 1.2)
"""True pixel size over the model's."""

DENSITY_STACKS = 4
DENSITY_SEED_STEP = 1000


def signed_distances(system: ImagingSystem) -> tuple[float, ...]:
    """Return the signed distances of the curve, whole steps of the stack, ascending."""
    one_way = [system.whole_steps_um(fraction) for fraction in DISTANCES]
    return tuple(sorted({0.0, *one_way, *(-dz for dz in one_way)}))


def stacks_of_seed(condition: Condition, specimens: Sequence[str]) -> int:
    """Return how many stacks one instrument takes under a condition."""
    stacks: dict[Condition, int] = {
        "distance": len(specimens),
        "signal": len(specimens) * len(PEAKS_ELECTRONS),
        "density": len(DENSITIES) * DENSITY_STACKS,
        "spherical_aberration": len(specimens) * len(ABERRATIONS),
        "pixel_size": len(specimens) * len(PIXEL_SIZES),
    }
    return stacks[condition]


class ConditionStacks:
    """The instrument of one seed, and the stacks that it takes under each condition."""

    def __init__(
        self,
        system: ImagingSystem,
        seed: int,
        specimens: Sequence[str],
        shape_px: tuple[int, int],
    ) -> None:
        self.system, self.seed, self.specimens, self.shape_px = system, seed, specimens, shape_px
        self.parameters = PsfParameters.draw(system, torch.Generator().manual_seed(seed))

    def references(self, condition: Condition) -> Iterator[tuple[float, ReferenceStack]]:
        """Simulate the stacks of one curve; with each comes the value of the condition."""
        make = {
            "distance": self._unchanged,
            "signal": self._signal,
            "density": self._density,
            "spherical_aberration": self._spherical_aberration,
            "pixel_size": self._pixel_size,
        }
        return make[condition]()

    @cached_property
    def _usual(self) -> WideField:
        return self._microscope(self.parameters)

    def _microscope(self, parameters: PsfParameters, pixels: float = 1.0) -> WideField:
        """Return a microscope; `pixels` is its pixel size over the usual one, for one field."""
        ny, nx = (2 * round(side / pixels / 2) for side in self.shape_px)
        system = self._sampled(pixels * self.system.pixel_size_um)
        return make_microscope(system, (ny, nx), parameters)

    def _sampled(self, pixel_size_um: float) -> ImagingSystem:
        return self.system.model_copy(update={"pixel_size_um": pixel_size_um})

    def _specimens(self) -> Iterator[tuple[str, Emitters, torch.Generator]]:
        """Yield the same specimens for every condition, each with the source of its noise."""
        for name in self.specimens:
            generator = torch.Generator().manual_seed(self.seed)
            yield name, draw_specimen(name, self._usual.volume, generator), generator

    def _references(
        self,
        microscope: WideField,
        *,
        exposure: Exposure | None = None,
        camera: Camera | None = None,
    ) -> Iterator[ReferenceStack]:
        """Take a stack of every specimen, with the exposure of low noise by default."""
        for name, emitters, generator in self._specimens():
            yield self._reference(microscope, name, emitters, generator, exposure, camera)

    def _reference(
        self,
        microscope: WideField,
        name: str,
        emitters: Emitters,
        generator: torch.Generator,
        exposure: Exposure | None = None,
        camera: Camera | None = None,
    ) -> ReferenceStack:
        stack = acquire_stack(
            self._sampled(microscope.volume.pixel_size_um),
            emitters,
            microscope,
            exposure or Exposure.draw("low", torch.Generator().manual_seed(self.seed)),
            specimen=name,
            seed=self.seed,
            generator=generator,
            camera=camera,
        )
        return ReferenceStack.of(stack)

    def _unchanged(self) -> Iterator[tuple[float, ReferenceStack]]:
        for reference in self._references(self._usual):
            yield 0.0, reference

    def _signal(self) -> Iterator[tuple[float, ReferenceStack]]:
        # The ground truth has no full well; the recording still ends at 65535, as 16 bits do.
        camera = Camera(full_well=math.inf)
        for peak in PEAKS_ELECTRONS:
            exposure = Exposure(peak=peak, background=BACKGROUND_ELECTRONS)
            for reference in self._references(self._usual, exposure=exposure, camera=camera):
                yield peak, reference

    def _density(self) -> Iterator[tuple[float, ReferenceStack]]:
        volume = self._usual.volume
        depth_um = self.system.z_range_um
        for density in DENSITIES:
            count = max(1, round(density * math.prod(volume.size_um) / 1000))
            for index in range(DENSITY_STACKS):
                generator = torch.Generator().manual_seed(self.seed + index * DENSITY_SEED_STEP)
                beads = scattered_beads(volume, count, depth_um, generator)
                yield density, self._reference(self._usual, "beads", beads, generator)

    def _spherical_aberration(self) -> Iterator[tuple[float, ReferenceStack]]:
        for factor in ABERRATIONS:
            parameters = self.parameters.with_spherical_aberration(factor)
            microscope = self._usual if factor == 1 else self._microscope(parameters)
            for reference in self._references(microscope):
                yield factor, reference

    def _pixel_size(self) -> Iterator[tuple[float, ReferenceStack]]:
        for pixels in PIXEL_SIZES:
            usual = pixels == 1
            microscope = self._usual if usual else self._microscope(self.parameters, pixels)
            for reference in self._references(microscope):
                yield pixels, reference
