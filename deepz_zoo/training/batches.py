"""The batches of a training, numbered through the run."""

from __future__ import annotations

import math

import numpy as np
from torch.utils.data import Dataset, default_collate

from deepz_zoo.optics import ImagingSystem
from deepz_zoo.training.patches import PatchPairs
from deepz_zoo.training.presets import TrainingSettings
from deepz_zoo.training.simulated_batches import Sample, SimulatedBatches


def farthest_um(system: ImagingSystem, patch_px: int) -> float:
    """Return the distance at which the blur of a point fills half the side of a patch.

    In a patch that is smaller than the blur, the source of the light cannot be found.
    """
    lens = system.objective
    sine = lens.numerical_aperture / lens.immersion_index
    tangent = sine / math.sqrt(1 - sine**2)
    return min(system.z_range_um, patch_px * system.pixel_size_um / (4 * tangent))


class TrainingBatches(Dataset[Sample]):
    """Batches of one process of a training; the index of a batch is its iteration.

    The same seed, iteration and process give the same batch, before and after a run is resumed.

    Parameters
    ----------
    simulated, prepared
        Where the patches come from; at least one of the two.
    seed
        Of the run.
    rank, processes
        Index of this process, and the number of all.
    """

    def __init__(
        self,
        system: ImagingSystem,
        settings: TrainingSettings,
        *,
        simulated: SimulatedBatches | None,
        prepared: PatchPairs | None,
        seed: int,
        rank: int = 0,
        processes: int = 1,
    ) -> None:
        self.system, self.settings = system, settings
        self.simulated, self.prepared = simulated, prepared
        self.seed, self.rank, self.processes = seed, rank, processes

    def __getitem__(self, iteration: int) -> Sample:
        size, distances_um = self._patch(iteration)
        if self.simulated is not None and self._is_simulated(iteration):
            key = np.random.SeedSequence((self.seed, iteration, self.rank))
            surfaces = size == self.settings.patch_px
            seed = int(key.generate_state(1)[0])
            return self.simulated.batch(seed, size, distances_um, surfaces=surfaces)
        assert self.prepared is not None
        batch = self.settings.batch_size
        first = (iteration * self.processes + self.rank) * batch
        numbers = range(first, first + batch)
        patches = [self.prepared.patch(number, size, distances_um) for number in numbers]
        sample: Sample = default_collate(patches)
        return sample

    def _is_simulated(self, iteration: int) -> bool:
        """Tell where a batch comes from; all processes agree."""
        if self.prepared is None:
            return True
        drawn = np.random.default_rng((self.seed, iteration)).random()
        return bool(drawn < self.settings.simulated_fraction)

    def _patch(self, iteration: int) -> tuple[int, tuple[float, float]]:
        """Return size and distances of a batch: large patches for distances too long for small."""
        settings, farthest = self.settings, self.system.z_range_um
        fraction = settings.small_fraction
        held = farthest_um(self.system, settings.small_patch_px)
        if int((iteration + 1) * fraction) > int(iteration * fraction):
            return settings.small_patch_px, (0.0, held)
        return settings.patch_px, (held if fraction and held < farthest else 0.0, farthest)
