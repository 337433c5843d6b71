"""The data of a training: simulated stacks, prepared datasets or both."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import cached_property
from pathlib import Path

import pytorch_lightning as pl
import torch
from torch.utils.data import ConcatDataset, DataLoader, DistributedSampler, Sampler

from deepz_zoo.errors import DeepZError
from deepz_zoo.optics import ImagingSystem
from deepz_zoo.optics.system import Interval
from deepz_zoo.preprocess.dataset.storage import PreparedDataset
from deepz_zoo.progress import Progress, no_progress
from deepz_zoo.training.batches import TrainingBatches
from deepz_zoo.training.cache import StackCache
from deepz_zoo.training.patches import PatchPairs
from deepz_zoo.training.presets import TrainingSettings
from deepz_zoo.training.ranges import plane_ranges, source_ranges
from deepz_zoo.training.simulated_batches import Sample, SimulatedBatches
from deepz_zoo.training.simulation import build_cache
from deepz_zoo.training.sources import PairSource, PreparedPairs, SimulatedPairs
from deepz_zoo.training.validation import ValidationPairs

_VALIDATION_FRACTION = 0.05
_VALIDATION_BATCH = 4


class IterationNumbers(Sampler[int]):
    """Numbers of the iterations of one validation interval.

    Parameters
    ----------
    count
        How many they are.
    done
        Returns the number of iterations so far.
    """

    def __init__(self, count: int, done: Callable[[], int]) -> None:
        self.count, self.done = count, done

    def __len__(self) -> int:
        return self.count

    def __iter__(self) -> Iterator[int]:
        first = self.done()
        return iter(range(first, first + self.count))


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

    def training_sources(self) -> list[PairSource]:
        """Return the sources that are trained on."""
        sources: list[PairSource] = [training for training, _ in self._prepared]
        if self._cache is not None:
            sources.append(SimulatedPairs(self._cache, self._training_stacks()))
        return sources

    def validation_sources(self) -> list[PairSource]:
        """Return the sources to validate with: regions and stacks that are not trained on."""
        sources: list[PairSource] = [validation for _, validation in self._prepared]
        if self._cache is not None:
            stacks = range(self._training_stacks().stop, self.run_settings.stacks)
            sources.append(SimulatedPairs(self._cache, stacks))
        return sources

    @cached_property
    def plane_ranges(self) -> dict[str, Interval]:
        """Ranges of the planes to train on, for the record."""
        sources = self.training_sources()
        return plane_ranges([source_ranges(source, self.system) for source in sources])

    def _training_stacks(self) -> range:
        stacks = self.run_settings.stacks
        return range(stacks - max(1, round(_VALIDATION_FRACTION * stacks)))

    def train_dataloader(self) -> DataLoader[Sample]:
        """Return the batches of one validation interval."""
        settings, trainer = self.run_settings, self.trainer
        assert trainer is not None
        device = self._batch_device(trainer.strategy.root_device)
        simulated = (
            None
            if self._cache is None
            else SimulatedBatches(
                self._cache, self._training_stacks(), self.system, settings, device=device
            )
        )
        prepared = [training for training, _ in self._prepared]
        batches = TrainingBatches(
            self.system,
            settings,
            simulated=simulated,
            prepared=PatchPairs(prepared, settings, seed=self.seed) if prepared else None,
            seed=self.seed,
            rank=trainer.global_rank,
            processes=trainer.world_size,
        )
        workers = self.workers if device.type == "cpu" else 0
        return DataLoader(
            batches,
            batch_size=None,
            sampler=IterationNumbers(
                settings.validate_every, lambda: trainer.global_step // settings.updates
            ),
            num_workers=workers,
            persistent_workers=workers > 0,
        )

    def _batch_device(self, device: torch.device) -> torch.device:
        """Return where batches are made: on a CUDA device, unless prepared ones are among them.

        Those are cut by processes of their own, which have no part in the device.
        """
        on_device = device.type == "cuda" and not self._prepared
        return device if on_device else torch.device("cpu")

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
