"""The record of a run, made each time that its best weights are kept."""

from __future__ import annotations

import datetime
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import pytorch_lightning as pl

from deepz_zoo import __version__
from deepz_zoo.files import sha256_of
from deepz_zoo.optics import ImagingSystem
from deepz_zoo.preprocess.dataset.storage import MANIFEST_NAME, PreparedDataset
from deepz_zoo.records.training import DatasetRecord, TrainingData, TrainingRecord
from deepz_zoo.simulate.camera import Camera
from deepz_zoo.training.best import KeepBest
from deepz_zoo.training.data import PatchData
from deepz_zoo.training.hardware import device_name
from deepz_zoo.training.module import GeneratorTraining
from deepz_zoo.training.presets import TrainingSettings


@dataclass(frozen=True, eq=False)
class RunDescription:
    """Makes the `TrainingRecord` of a run.

    Attributes
    ----------
    system, settings, preset, seed
        As in `train`.
    module
        The networks that are trained.
    data
        What they are trained on.
    """

    system: ImagingSystem
    settings: TrainingSettings
    preset: str
    seed: int
    module: GeneratorTraining
    data: PatchData

    def __call__(self, trainer: pl.Trainer, best: KeepBest) -> TrainingRecord:
        """Describe the run as it is now."""
        system, settings, datasets = self.system, self.settings, self.data.datasets
        simulates = self.data.stacks_folder is not None
        return TrainingRecord(
            system=system,
            generator=settings.generator,
            preset=self.preset,
            code_version=__version__,
            command=" && ".join(best.commands),
            seed=self.seed,
            specimens=system.specimen_kinds if simulates else (),
            stacks=settings.stacks if simulates else 0,
            steps=self.module.iterations_done,
            batch_size=settings.batch_size * trainer.world_size,
            patch_px=(settings.small_patch_px, settings.patch_px),
            patches=best.patches,
            hours=round(best.seconds / 3600, 3),
            device=device_name(trainer),
            date=datetime.datetime.now(datetime.timezone.utc).date().isoformat(),
            loss=self.module.loss.extra_repr(),
            data_ranges=(_simulated_ranges(system) if simulates else {})
            | {"planes": self.data.plane_ranges},
            validation_mae=best.best,
            training_data=_training_data(simulates, datasets),
            datasets=tuple(map(_describe_dataset, datasets)),
            start=best.start,
        )


def _simulated_ranges(system: ImagingSystem) -> dict[str, Any]:
    return {
        "aberrations": system.aberrations.model_dump(),
        "camera": Camera().model_dump(),
        "emission_band_um": system.channel.emission_band_um,
        "z_range_um": system.z_range_um,
    }


def _training_data(simulates: bool, datasets: Sequence[PreparedDataset]) -> TrainingData:
    if not datasets:
        return "simulated"
    return "both" if simulates else "measured"


def _describe_dataset(dataset: PreparedDataset) -> DatasetRecord:
    manifest = dataset.manifest
    return DatasetRecord(
        name=dataset.path.resolve().name,
        sha256=sha256_of(dataset.path / MANIFEST_NAME),
        stacks=len(manifest.fields),
        regions=len(dataset.regions),
        pairs=manifest.pair_counts.get("training", 0) + manifest.pair_counts.get("validation", 0),
        target_modality=manifest.target_modality,
    )
