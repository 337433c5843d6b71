"""One training run, from an imaging system to weights with their record."""

from __future__ import annotations

import datetime
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytorch_lightning as pl
import torch
from pytorch_lightning.callbacks import Callback, EMAWeightAveraging, ModelCheckpoint
from pytorch_lightning.loggers import CSVLogger, TensorBoardLogger

from deepz_zoo import __version__
from deepz_zoo.errors import DeepZError
from deepz_zoo.network.weights import save_generator
from deepz_zoo.optics import ImagingSystem
from deepz_zoo.simulate import SPECIMENS
from deepz_zoo.simulate.camera import Camera
from deepz_zoo.training.data import Sample, SimulatedData
from deepz_zoo.training.module import GeneratorTraining
from deepz_zoo.training.presets import TrainingSettings
from deepz_zoo.training.record import TrainingRecord

CHECKPOINT_SECONDS = 60

Describe = Callable[[int, "KeepBest"], TrainingRecord]


class KeepBest(Callback):
    """Writes ``best.safetensors`` and ``best.json`` whenever the validation error is smallest.

    It runs during validation, when the averaged weights are in place.
    """

    def __init__(self, folder: Path, describe: Describe, command: str) -> None:
        self.folder, self.describe = folder, describe
        self.best = float("inf")
        self.patches = 0
        self.commands = [command]
        self.seconds_before = 0.0
        self._started = time.monotonic()

    @property
    def seconds(self) -> float:
        """Training time so far, earlier parts of a resumed run included."""
        return self.seconds_before + time.monotonic() - self._started

    def on_train_batch_end(
        self,
        trainer: pl.Trainer,
        pl_module: pl.LightningModule,
        outputs: Any,
        batch: Sample,
        batch_idx: int,
    ) -> None:
        """Count the patches."""
        self.patches += len(batch["input"])

    def on_validation_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Keep the weights if they are the best so far."""
        mae = float(trainer.callback_metrics["val_mae"])
        if trainer.sanity_checking or not mae < self.best:
            return
        self.best = mae
        assert isinstance(pl_module, GeneratorTraining)
        save_generator(self.folder / "best.safetensors", pl_module.generator)
        record = self.describe(trainer.global_step, self)
        temporary = self.folder / "best.json.part"
        temporary.write_text(record.model_dump_json(indent=2) + "\n")
        temporary.replace(self.folder / "best.json")

    def state_dict(self) -> dict[str, Any]:
        """Return what a resumed run has to know."""
        return {
            "best": self.best,
            "patches": self.patches,
            "commands": self.commands,
            "seconds": self.seconds,
        }

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Go on where the earlier run stopped."""
        self.best = state_dict["best"]
        self.patches = state_dict["patches"]
        self.commands = state_dict["commands"] + self.commands
        self.seconds_before = state_dict["seconds"]


def train(
    system: ImagingSystem,
    settings: TrainingSettings,
    folder: Path,
    *,
    preset: str,
    seed: int = 0,
    data_folder: Path | None = None,
    resume: bool = False,
    command: str = "",
    progress: bool = True,
) -> Path:
    """Train a generator on simulated stacks.

    Parameters
    ----------
    folder
        Run directory: ``best.safetensors`` with ``best.json``, ``last.ckpt``, the metrics as
        CSV and TensorBoard logs.
    preset
        Name of the preset that `settings` began from.
    data_folder
        Where the simulated stacks are kept; inside `folder` by default.
    resume
        Go on from ``last.ckpt``.
    command
        Command line for the record.

    Returns
    -------
    Path
        ``best.safetensors``.

    Raises
    ------
    DeepZError
        If the folder holds another run and `resume` is not set, or none and it is set.
    """
    last = folder / "last.ckpt"
    if resume and not last.is_file():
        raise DeepZError(f"{folder} holds no last.ckpt to resume from; leave out --resume")
    if last.exists() and not resume:
        raise DeepZError(f"{folder} holds a training run; add --resume or name another folder")
    folder.mkdir(parents=True, exist_ok=True)
    pl.seed_everything(seed, workers=True, verbose=False)
    on_gpu = torch.cuda.is_available()
    module = GeneratorTraining(settings)
    data = SimulatedData(
        system,
        settings,
        data_folder or folder / "stacks",
        seed=seed,
        device="cuda" if on_gpu else "cpu",
        workers=8 if on_gpu else 1,
        progress=progress,
    )

    def describe(step: int, progress: KeepBest) -> TrainingRecord:
        return TrainingRecord(
            system=system,
            generator=settings.generator,
            preset=preset,
            code_version=__version__,
            command=" && ".join(progress.commands),
            seed=seed,
            specimens=SPECIMENS,
            stacks=settings.stacks,
            steps=step,
            batch_size=settings.batch_size,
            patch_px=(settings.small_patch_px, settings.patch_px),
            patches=progress.patches,
            hours=round(progress.seconds / 3600, 3),
            device=_device_name(),
            date=datetime.datetime.now(datetime.timezone.utc).date().isoformat(),
            loss=module.loss.extra_repr(),
            data_ranges={
                "aberrations": system.aberrations.model_dump(),
                "camera": Camera().model_dump(),
                "emission_band_um": system.channel.emission_band_um,
                "z_range_um": system.z_range_um,
            },
            validation_mae=progress.best,
        )

    trainer = pl.Trainer(
        max_steps=settings.max_steps,
        precision=_precision(),
        accelerator="gpu" if on_gpu else "cpu",
        devices=1,
        logger=[
            # Each part of a resumed run gets a file of its own; the logger would delete the last.
            CSVLogger(str(folder), name="metrics"),
            TensorBoardLogger(str(folder), name="tensorboard"),
        ],
        callbacks=[
            EMAWeightAveraging(decay=settings.average),
            KeepBest(folder, describe, command),
            ModelCheckpoint(
                dirpath=folder,
                filename="last",
                enable_version_counter=False,
                train_time_interval=datetime.timedelta(seconds=CHECKPOINT_SECONDS),
            ),
        ],
        gradient_clip_val=1.0,
        num_sanity_val_steps=0,
        log_every_n_steps=50,
        enable_progress_bar=progress,
        enable_model_summary=False,
    )
    trainer.fit(module, data, ckpt_path=last if resume else None, weights_only=True)
    trainer.save_checkpoint(last)
    return folder / "best.safetensors"


def _precision() -> Any:
    """Mixed bfloat16 where the machine computes in it, float32 elsewhere."""
    if torch.cuda.is_available():
        return "bf16-mixed" if torch.cuda.is_bf16_supported() else "32-true"
    fast = torch.backends.cpu.get_cpu_capability() == "AVX512" and _cpu_has_bfloat16()
    return "bf16-mixed" if fast else "32-true"


def _cpu_has_bfloat16() -> bool:
    return bool(torch.ops.mkldnn._is_mkldnn_bf16_supported())


def _device_name() -> str:
    if torch.cuda.is_available():
        return str(torch.cuda.get_device_name())
    return f"{torch.get_num_threads()} CPU threads"
