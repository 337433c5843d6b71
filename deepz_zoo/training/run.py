"""One training run, from an imaging system to weights with their record."""

from __future__ import annotations

import datetime
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytorch_lightning as pl
from pytorch_lightning.callbacks import Callback, EMAWeightAveraging
from pytorch_lightning.loggers import CSVLogger, TensorBoardLogger

from deepz_zoo import __version__
from deepz_zoo.errors import DeepZError
from deepz_zoo.files import sha256_of
from deepz_zoo.optics import ImagingSystem
from deepz_zoo.preprocess.dataset.storage import MANIFEST_NAME, PreparedDataset
from deepz_zoo.records.training import (
    WEIGHTS_NAME,
    DatasetRecord,
    TrainingData,
    TrainingRecord,
)
from deepz_zoo.simulate.camera import Camera
from deepz_zoo.training.adversarial import make_training
from deepz_zoo.training.best import KeepBest
from deepz_zoo.training.checkpoint import AtomicCheckpointIO, SaveLast, check_resumable
from deepz_zoo.training.data import PatchData
from deepz_zoo.training.hardware import Hardware, device_name
from deepz_zoo.training.presets import TrainingSettings
from deepz_zoo.training.quiet import quiet_lightning
from deepz_zoo.training.samples import SampleImages
from deepz_zoo.training.transfer import Start

CHECKPOINT_NAME = "last.ckpt"
CHECKPOINT_SECONDS = 60.0


def train(
    system: ImagingSystem,
    settings: TrainingSettings,
    folder: Path,
    *,
    preset: str,
    seed: int = 0,
    datasets: Sequence[PreparedDataset] = (),
    simulate: bool = True,
    stacks_folder: Path | None = None,
    start: Start | None = None,
    resume: bool = False,
    hardware: Hardware | None = None,
    checkpoint_seconds: float = CHECKPOINT_SECONDS,
    command: str = "",
    progress: bool = True,
) -> Path:
    """Train a generator on simulated stacks, prepared datasets or both.

    Parameters
    ----------
    folder
        Run directory: ``best.safetensors`` with ``best.json``, ``last.ckpt``, the metrics as
        CSV and TensorBoard logs, and sample images.
    preset
        Name of the preset that `settings` began from.
    datasets
        Prepared datasets of `system`.
    simulate
        Train on simulated stacks.
    stacks_folder
        Where the simulated stacks are kept; inside `folder` by default.
    start
        Weights to begin with.
    resume
        Go on from ``last.ckpt``.
    hardware
        Where to train; one device by default.
    checkpoint_seconds
        Time between two writings of ``last.ckpt``: what a killed run loses at most.
    command
        Command line for the record.

    Returns
    -------
    Path
        ``best.safetensors``.

    Raises
    ------
    DeepZError
        If the folder holds another run and `resume` is not set, or none and it is set; if there is
        nothing to train on; if the start's weights are another network's; if the loss is NaN.
    """
    hardware = hardware or Hardware()
    last = folder / CHECKPOINT_NAME
    if resume and not last.is_file():
        raise DeepZError(f"{folder} holds no {CHECKPOINT_NAME} to resume from; leave out --resume")
    if last.exists() and not resume:
        raise DeepZError(f"{folder} holds a training run; add --resume or name another folder")
    pl.seed_everything(seed, workers=True, verbose=False)
    module = make_training(settings)
    if resume:
        check_resumable(last, module)
    elif start is not None:
        start.load_into(module.generator)
    data = PatchData(
        system,
        settings,
        stacks_folder=(stacks_folder or folder / "stacks") if simulate else None,
        datasets=datasets,
        seed=seed,
        workers=hardware.patch_workers,
        progress=progress,
    )

    def describe(trainer: pl.Trainer, best: KeepBest) -> TrainingRecord:
        return TrainingRecord(
            system=system,
            generator=settings.generator,
            preset=preset,
            code_version=__version__,
            command=" && ".join(best.commands),
            seed=seed,
            specimens=system.specimen_kinds if simulate else (),
            stacks=settings.stacks if simulate else 0,
            steps=module.iterations_done,
            batch_size=settings.batch_size * trainer.world_size,
            patch_px=(settings.small_patch_px, settings.patch_px),
            patches=best.patches,
            hours=round(best.seconds / 3600, 3),
            device=device_name(trainer),
            date=datetime.datetime.now(datetime.timezone.utc).date().isoformat(),
            loss=module.loss.extra_repr(),
            data_ranges=(_simulated(system) if simulate else {}) | {"planes": data.plane_ranges},
            validation_mae=best.best,
            training_data=_kind(simulate, datasets),
            datasets=tuple(map(_dataset_record, datasets)),
            start=best.start,
        )

    folder.mkdir(parents=True, exist_ok=True)
    callbacks: list[Callback] = [
        KeepBest(folder, describe, command, None if start is None else start.record),
        SampleImages(folder),
        SaveLast(last, checkpoint_seconds),
    ]
    if settings.average:
        callbacks.insert(0, EMAWeightAveraging(decay=settings.average))
    with quiet_lightning():
        trainer = hardware.trainer(
            adversarial=settings.adversarial,
            default_root_dir=folder,
            max_steps=settings.max_steps * settings.updates,
            logger=[
                # Each part of a resumed run gets its own file; the logger would delete the last.
                CSVLogger(str(folder), name="metrics"),
                TensorBoardLogger(str(folder), name="tensorboard"),
            ],
            callbacks=callbacks,
            plugins=[AtomicCheckpointIO()],
            # Adversarial training updates by itself, as the paper does: without clipping.
            gradient_clip_val=None if settings.adversarial else 1.0,
            num_sanity_val_steps=0,
            use_distributed_sampler=False,  # the batches are distributed already
            log_every_n_steps=min(50, settings.validate_every),
            enable_progress_bar=progress,
            enable_model_summary=False,
        )
        if hardware.compile:
            module.compile_networks()
        try:
            trainer.fit(module, data, ckpt_path=last if resume else None, weights_only=True)
        except SystemExit:  # what pytorch-lightning makes of it
            raise KeyboardInterrupt from None
        if module.iterations_done % settings.validate_every:
            trainer.validate(module, data, verbose=False, weights_only=True)
        trainer.save_checkpoint(last)
    return folder / WEIGHTS_NAME


def _simulated(system: ImagingSystem) -> dict[str, Any]:
    return {
        "aberrations": system.aberrations.model_dump(),
        "camera": Camera().model_dump(),
        "emission_band_um": system.channel.emission_band_um,
        "z_range_um": system.z_range_um,
    }


def _kind(simulate: bool, datasets: Sequence[PreparedDataset]) -> TrainingData:
    if not datasets:
        return "simulated"
    return "both" if simulate else "measured"


def _dataset_record(dataset: PreparedDataset) -> DatasetRecord:
    manifest = dataset.manifest
    return DatasetRecord(
        name=dataset.path.resolve().name,
        sha256=sha256_of(dataset.path / MANIFEST_NAME),
        stacks=len(manifest.fields),
        regions=len(dataset.regions),
        pairs=manifest.pair_counts.get("training", 0) + manifest.pair_counts.get("validation", 0),
        target_modality=manifest.target_modality,
    )
