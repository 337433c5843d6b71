"""Batches of patches: an input with its DPM, and its target."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from functools import cached_property
from pathlib import Path

import numpy as np
import pytorch_lightning as pl
import torch
from numpy.typing import NDArray
from torch.utils.data import ConcatDataset, DataLoader, Dataset, DistributedSampler, Sampler

from deepz_zoo.errors import DeepZError
from deepz_zoo.intensities import IntensityScale
from deepz_zoo.network.graph.wrapper import DPM_SCALE_UM
from deepz_zoo.optics import ImagingSystem
from deepz_zoo.optics.system import Interval
from deepz_zoo.preprocess.dataset.storage import PreparedDataset
from deepz_zoo.progress import Progress, no_progress
from deepz_zoo.training.cache import StackCache, build_cache
from deepz_zoo.training.presets import TrainingSettings
from deepz_zoo.training.ranges import plane_ranges, source_ranges
from deepz_zoo.training.sources import PairSource, PreparedPairs, SimulatedPairs

Sample = dict[str, torch.Tensor]

_WINDOWS = 4
_ANY_WINDOW_FRACTION = 0.2
_VALIDATION_FRACTION = 0.05
_VALIDATION_BATCH = 4


def farthest_um(system: ImagingSystem, patch_px: int) -> float:
    """Return the distance at which the blur of a point fills half the side of a patch.

    In a patch that is smaller than the blur, the source of the light cannot be found.
    """
    lens = system.objective
    sine = lens.numerical_aperture / lens.immersion_index
    tangent = sine / math.sqrt(1 - sine**2)
    return min(system.z_range_um, patch_px * system.pixel_size_um / (4 * tangent))


class PatchPairs(Dataset[Sample]):
    """Random patches of random pairs, normalized and augmented, in the units of the network.

    Patches are numbered through the whole run: the same seed and number give the same patch in any
    process, before and after the run is resumed.

    Parameters
    ----------
    sources
        Sources of pairs, each with its fraction of the patches.
    iteration_patches
        Patches of one iteration over all processes; they have one size.
    """

    def __init__(
        self,
        sources: Sequence[tuple[PairSource, float]],
        system: ImagingSystem,
        settings: TrainingSettings,
        *,
        seed: int,
        iteration_patches: int,
    ) -> None:
        self.sources = [source for source, _ in sources]
        fractions = np.array([fraction for _, fraction in sources])
        self.fractions = fractions / fractions.sum()
        self.system, self.settings = system, settings
        self.seed, self.iteration_patches = seed, iteration_patches

    def __getitem__(self, number: int) -> Sample:
        rng = np.random.default_rng((self.seed, number))
        size, distances_um = self._patch(number // self.iteration_patches)
        source = self.sources[int(rng.choice(len(self.sources), p=self.fractions))]
        pair = source.draw(distances_um, rng)
        image, target = source.image(pair), source.target(pair)
        window = _window(target, size, rng)
        if rng.random() < self.settings.single_image_fraction:
            scale = source.single_image_scale(pair)
        else:
            scale = source.stack_scale(pair)
        scale = self._vary(scale, rng)
        turns, flip = int(rng.integers(4)), rng.random() < 0.5
        image, target = (np.rot90(scale.apply(a[window]), turns) for a in (image, target))
        if flip:
            image, target = image[:, ::-1], target[:, ::-1]
        dpm = np.full_like(image, pair.distance_um / DPM_SCALE_UM)
        return {
            "input": torch.from_numpy(np.stack([image, dpm])),
            "target": torch.from_numpy(target[None].copy()),
        }

    def _patch(self, iteration: int) -> tuple[int, tuple[float, float]]:
        """Return size and distances of a batch: large patches for distances too long for small."""
        settings, farthest = self.settings, self.system.z_range_um
        fraction = settings.small_fraction
        held = farthest_um(self.system, settings.small_patch_px)
        if int((iteration + 1) * fraction) > int(iteration * fraction):
            return settings.small_patch_px, (0.0, held)
        return settings.patch_px, (held if fraction and held < farthest else 0.0, farthest)

    def _vary(self, scale: IntensityScale, rng: np.random.Generator) -> IntensityScale:
        settings = self.settings
        width = scale.scale * math.exp(settings.scale_jitter * rng.standard_normal())
        shift = settings.background_jitter * width * rng.standard_normal()
        return IntensityScale(scale.background + shift, width)


def _window(
    target: NDArray[np.float32], size: int, rng: np.random.Generator
) -> tuple[slice, slice]:
    """Draw some windows, and usually take the one in which the target has most contrast."""
    ny, nx = target.shape
    windows = [
        (slice(y, y + size), slice(x, x + size))
        for y, x in rng.integers(0, (ny - size + 1, nx - size + 1), (_WINDOWS, 2))
    ]
    if rng.random() < _ANY_WINDOW_FRACTION:
        return windows[0]
    return windows[int(np.argmax([target[window][::4, ::4].std() for window in windows]))]


class PatchNumbers(Sampler[list[int]]):
    """Numbers of the patches of one process, batch by batch, for one validation interval.

    Parameters
    ----------
    iterations_done
        Returns the number of iterations so far.
    rank, processes
        Index of this process, and the number of all.
    """

    def __init__(
        self,
        batch_size: int,
        batches: int,
        iterations_done: Callable[[], int],
        *,
        rank: int = 0,
        processes: int = 1,
    ) -> None:
        self.batch_size, self.batches = batch_size, batches
        self.iterations_done = iterations_done
        self.rank, self.processes = rank, processes

    def __len__(self) -> int:
        return self.batches

    def __iter__(self) -> Iterator[list[int]]:
        done = self.iterations_done()
        for iteration in range(done, done + self.batches):
            first = (iteration * self.processes + self.rank) * self.batch_size
            yield list(range(first, first + self.batch_size))


class ValidationPairs(Dataset[Sample]):
    """Whole camera images with their DPM in µm, so that accuracy is that of the users' graph.

    A sample's ``stack_scale`` is the background and the scale of the input's stack.
    """

    def __init__(self, source: PairSource, z_range_um: float, length: int) -> None:
        rng = np.random.default_rng(0)
        self.source = source
        drawn = (source.draw((0, z_range_um), rng) for _ in range(length))
        self.pairs = list(dict.fromkeys(drawn))

    def __len__(self) -> int:
        return len(self.pairs)

    def __getitem__(self, index: int) -> Sample:
        pair, source = self.pairs[index], self.source
        image, scale = source.image(pair), source.stack_scale(pair)
        dpm = np.full_like(image, pair.distance_um)
        return {
            "input": torch.from_numpy(np.stack([image, dpm])),
            "target": torch.from_numpy(source.target(pair)[None]),
            "stack_scale": torch.tensor([scale.background, scale.scale]),
        }


class PatchData(pl.LightningDataModule):
    """Simulated stacks, prepared datasets or both, split into training and validation.

    Of several processes only the first simulates; all of them must have access to the folder.

    Parameters
    ----------
    stacks_folder
        Folder of the simulated stacks; None to simulate nothing.
    datasets
        Prepared datasets of the same system.
    workers
        Processes that cut patches, per training process.
    progress_bar
        Whether the simulation shows a progress bar on a terminal.
    progress
        Hears of each microscope's stacks.

    Raises
    ------
    DeepZError
        If there is nothing to train on, or a dataset's regions are smaller than a patch.
    """

    def __init__(
        self,
        system: ImagingSystem,
        settings: TrainingSettings,
        *,
        stacks_folder: Path | None = None,
        datasets: Sequence[PreparedDataset] = (),
        seed: int = 0,
        workers: int = 0,
        progress_bar: bool = True,
        progress: Progress = no_progress,
    ) -> None:
        super().__init__()
        self.prepare_data_per_node = False
        if stacks_folder is None and not datasets:
            raise DeepZError("nothing to train on: neither simulated stacks nor a dataset")
        self.system, self.run_settings = system, settings
        self.stacks_folder, self.datasets = stacks_folder, tuple(datasets)
        self.seed, self.workers = seed, workers
        self.progress_bar, self.progress = progress_bar, progress
        self._prepared = [
            (PreparedPairs(dataset, "training"), PreparedPairs(dataset, "validation"))
            for dataset in datasets
        ]
        for dataset, (pairs, _) in zip(self.datasets, self._prepared, strict=True):
            if pairs.shape[0] < settings.patch_px:
                raise DeepZError(
                    f"{dataset.path} has regions of {pairs.shape[0]} px, less than the patches of "
                    f"{settings.patch_px} px; choose a smaller `patch_px` or prepare larger regions"
                )
        self._cache: StackCache | None = None

    def prepare_data(self) -> None:
        """Simulate the stacks that do not exist yet."""
        if self.stacks_folder is not None:
            self._open_cache()

    def setup(self, stage: str | None = None) -> None:
        """Open the simulated stacks."""
        if self.stacks_folder is not None:
            self._cache = self._open_cache()

    def _open_cache(self) -> StackCache:
        assert self.stacks_folder is not None
        trainer = self.trainer
        device = "cpu" if trainer is None else str(trainer.strategy.root_device)
        return build_cache(
            self.stacks_folder,
            self.system,
            stacks=self.run_settings.stacks,
            stack_px=self.run_settings.stack_px,
            seed=self.seed,
            device=device,
            progress_bar=self.progress_bar,
            progress=self.progress,
        )

    def training_sources(self) -> list[tuple[PairSource, float]]:
        """Return the sources to train on, each with its fraction of the patches."""
        pairs = sum(len(training) for training, _ in self._prepared)
        fraction = self.run_settings.simulated_fraction if self._cache is not None else 0.0
        sources: list[tuple[PairSource, float]] = [
            (training, (1 - fraction) * len(training) / pairs) for training, _ in self._prepared
        ]
        if self._cache is not None:
            stacks = range(self._first_validation_stack())
            simulated = SimulatedPairs(self._cache, stacks, self.run_settings.in_focus_fraction)
            sources.append((simulated, fraction))
        return sources

    def validation_sources(self) -> list[PairSource]:
        """Return the sources to validate with: regions and stacks that are not trained on."""
        sources: list[PairSource] = [validation for _, validation in self._prepared]
        if self._cache is not None:
            stacks = range(self._first_validation_stack(), self.run_settings.stacks)
            sources.append(SimulatedPairs(self._cache, stacks))
        return sources

    @cached_property
    def plane_ranges(self) -> dict[str, Interval]:
        """Ranges of the planes to train on, for the record."""
        sources = (source for source, _ in self.training_sources())
        return plane_ranges([source_ranges(source, self.system) for source in sources])

    def _first_validation_stack(self) -> int:
        stacks = self.run_settings.stacks
        return stacks - max(1, round(_VALIDATION_FRACTION * stacks))

    def train_dataloader(self) -> DataLoader[Sample]:
        """Return the random patches of one validation interval."""
        settings, trainer = self.run_settings, self.trainer
        assert trainer is not None
        dataset = PatchPairs(
            self.training_sources(),
            self.system,
            settings,
            seed=self.seed,
            iteration_patches=settings.batch_size * trainer.world_size,
        )
        numbers = PatchNumbers(
            settings.batch_size,
            settings.validate_every,
            lambda: trainer.global_step // settings.updates,
            rank=trainer.global_rank,
            processes=trainer.world_size,
        )
        return DataLoader(
            dataset,
            batch_sampler=numbers,
            num_workers=self.workers,
            persistent_workers=self.workers > 0,
        )

    def val_dataloader(self) -> DataLoader[Sample]:
        """Return fixed pairs of regions, stacks and microscopes that are not trained on."""
        trainer = self.trainer
        assert trainer is not None
        sources = self.validation_sources()
        each = -(-self.run_settings.validation_pairs // len(sources))
        pairs: ConcatDataset[Sample] = ConcatDataset(
            ValidationPairs(source, self.system.z_range_um, each) for source in sources
        )
        shapes = {source.shape for source in sources}
        return DataLoader(
            pairs,
            batch_size=_VALIDATION_BATCH if len(shapes) == 1 else 1,
            sampler=DistributedSampler(
                pairs, trainer.world_size, trainer.global_rank, shuffle=False
            ),
        )
