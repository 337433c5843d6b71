"""What an experiment is made with: a model, and stacks whose every plane is known."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch

from deepz_zoo.evaluation.reference import ReferenceStack
from deepz_zoo.experiments.planes import Planes
from deepz_zoo.optics.psf import PsfParameters
from deepz_zoo.progress import Progress, no_progress
from deepz_zoo.simulate import HELD_OUT_SEED, simulate_stack
from deepz_zoo.simulate.stack import make_microscope

if TYPE_CHECKING:
    from torch import nn

    from deepz_zoo.optics import ImagingSystem
    from deepz_zoo.simulate.widefield import WideField

FIRST_SEED = HELD_OUT_SEED + 800_000
"""Seed of the first instrument of an experiment: held out, and of no other measurement."""


@dataclass(frozen=True)
class Subject:
    """A model, and what an experiment is to measure it on.

    Attributes
    ----------
    model
        The graph wrapper: camera image and DPM in µm in, camera units out.
    system
        The microscope that the model was trained for.
    stack
        An acquired stack to measure on, None for simulated ones.
    seed
        Number of the first held-out instrument, from 0.
    quick
        Whether a first look is enough: smaller images, fewer of them.
    progress
        Told of the work.
    """

    model: nn.Module
    system: ImagingSystem
    stack: Planes | None = None
    seed: int = 0
    quick: bool = False
    progress: Progress = no_progress

    @property
    def first_seed(self) -> int:
        """Seed of the first instrument."""
        return FIRST_SEED + self.seed

    @property
    def shape_px(self) -> tuple[int, int]:
        """Rows and columns of simulated images."""
        return (128, 128) if self.quick else (256, 256)

    @property
    def pairs(self) -> int:
        """Input planes to draw from each stack for each distance."""
        return 1 if self.quick else 2

    def stacks(
        self, specimens: Sequence[str] | None = None, *, z_range_um: float | None = None
    ) -> Iterator[Planes]:
        """Yield the acquired stack; or simulated ones of low noise, one of each specimen.

        Parameters
        ----------
        specimens
            Among ``SPECIMENS``; those of the system by default.
        z_range_um
            Simulated stacks go from -range to +range; the system's by default.
        """
        if self.stack is not None:
            yield self.stack
            return
        microscope = self.microscope(z_range_um)
        for specimen in specimens or self.system.specimen_kinds:
            stack = simulate_stack(
                self.system,
                specimen,
                seed=self.first_seed,
                shape=self.shape_px,
                noise="low",
                microscope=microscope,
            )
            yield Planes.simulated(ReferenceStack.of(stack))

    def microscope(self, z_range_um: float | None = None) -> WideField:
        """Make the microscope of the first seed, which takes a while; see `make_microscope`."""
        random = torch.Generator().manual_seed(self.first_seed)
        return make_microscope(
            self.system,
            self.shape_px,
            PsfParameters.draw(self.system, random),
            z_range_um=z_range_um,
        )
