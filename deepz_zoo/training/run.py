"""One training run, from an imaging system to weights with their record."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

import pytorch_lightning as pl
from pytorch_lightning.callbacks import Callback
from pytorch_lightning.loggers import CSVLogger, TensorBoardLogger

from deepz_zoo.disk import is_disk_full
from deepz_zoo.errors import DeepZError
from deepz_zoo.files import remove
from deepz_zoo.optics import ImagingSystem
from deepz_zoo.preprocess.dataset.storage import PreparedDataset
from deepz_zoo.progress import Progress, no_progress
from deepz_zoo.records.training import WEIGHTS_NAME
from deepz_zoo.training.adversarial import make_training
from deepz_zoo.training.averaging import Averaging
from deepz_zoo.training.best import KeepBest
from deepz_zoo.training.checkpoint import AtomicCheckpointIO, SaveLast, check_resumable
from deepz_zoo.training.data import PatchData
from deepz_zoo.training.description import RunDescription
from deepz_zoo.training.failures import one_line_errors
from deepz_zoo.training.hardware import Hardware, is_first_process
from deepz_zoo.training.memory import require_training_memory
from deepz_zoo.training.module import BAD_BATCH_NAME, GeneratorTraining
from deepz_zoo.training.presets import TrainingSettings
from deepz_zoo.training.quiet import quiet_lightning
from deepz_zoo.training.reporting import Iterations
from deepz_zoo.training.samples import SampleImages
from deepz_zoo.training.transfer import Start

LAST_CHECKPOINT_NAME = "last.ckpt"
STACKS_NAME = "stacks"
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
    progress_bar: bool = True,
    progress: Progress = no_progress,
) -> Path:
    """Train a generator on simulated stacks, prepared datasets or both.

    Parameters
    ----------
    folder
        The run's folder: ``best.safetensors`` with ``best.json``, ``last.ckpt``, the metrics as
        CSV and TensorBoard logs, and sample images.
    preset
        Name of the preset that `settings` are based on.
    datasets
        Prepared datasets of `system`.
    simulate
        Whether to train on simulated stacks.
    stacks_folder
        Folder of the simulated stacks; inside `folder` by default.
    start
        Weights to begin with.
    resume
        Whether to go on from ``last.ckpt``.
    hardware
        Where to train; one device by default.
    checkpoint_seconds
        Time between two writings of ``last.ckpt``: the most that a killed run loses.
    command
        Command line for the record.
    progress_bar
        Whether simulation and training show progress bars on a terminal.
    progress
        Hears of stacks and iterations, for those who show no bars.

    Returns
    -------
    Path
        ``best.safetensors``.

    Raises
    ------
    DeepZError
        If the folder holds another run and `resume` is not set, or none and it is set; if there is
        nothing to train on; if the weights of `start` are of another network; if the loss is NaN;
        if memory or disk are too small. A run that ends before its first checkpoint leaves nothing
        but its simulated stacks.
    """
    hardware = hardware or Hardware()
    if system.instrument is not None and not system.instrument.is_round:
        settings = settings.model_copy(update={"turn": False})
    if not 0 <= checkpoint_seconds < math.inf:
        raise DeepZError(f"`checkpoint_seconds` is {checkpoint_seconds:g}; expected 0 or more")
    last = _last_checkpoint(folder, resume=resume)
    pl.seed_everything(seed, workers=True, verbose=False)
    module = make_training(settings)
    if resume:
        check_resumable(last, module)
    elif start is not None:
        start.load_into(module.generator, settings.generator)
    data = PatchData(
        system,
        settings,
        stacks_folder=(stacks_folder or folder / STACKS_NAME) if simulate else None,
        datasets=datasets,
        seed=seed,
        workers=hardware.patch_workers,
        progress_bar=progress_bar,
        progress=progress,
    )
    require_training_memory(module, settings, hardware)
    describe = RunDescription(system, settings, preset, seed, module, data)
    keep_best = KeepBest(folder, describe, command, None if start is None else start.record)
    callbacks = [
        keep_best,
        SampleImages(folder),
        SaveLast(last, checkpoint_seconds),
        Iterations(progress),
    ]
    with _removed_if_useless(folder), quiet_lightning():
        folder.mkdir(parents=True, exist_ok=True)
        trainer = _make_trainer(hardware, settings, folder, callbacks, progress_bar=progress_bar)
        if hardware.compile:
            module.compile_networks()
        _fit(trainer, module, data, last, resume=resume)
    return folder / WEIGHTS_NAME


def _last_checkpoint(folder: Path, *, resume: bool) -> Path:
    """Return the path of the last checkpoint, which exists if and only if a run is resumed."""
    last, weights = folder / LAST_CHECKPOINT_NAME, folder / WEIGHTS_NAME
    if not last.exists() and weights.exists():
        raise DeepZError(
            f"{folder} holds {WEIGHTS_NAME} of a run without {LAST_CHECKPOINT_NAME} to resume "
            f"from; name another folder, with `start` {weights} to begin with these weights"
        )
    if resume and not last.is_file():
        raise DeepZError(
            f"{folder} holds no {LAST_CHECKPOINT_NAME} to resume from; leave out `resume`"
        )
    if last.exists() and not resume:
        raise DeepZError(f"{folder} holds a training run; set `resume` or name another folder")
    return last


def simulate_stacks(
    system: ImagingSystem,
    settings: TrainingSettings,
    folder: Path,
    *,
    seed: int = 0,
    progress_bar: bool = True,
    progress: Progress = no_progress,
) -> None:
    """Simulate the stacks of a training into a folder, to train on them later.

    Raises
    ------
    DeepZError
        As `train`.
    """
    data = PatchData(
        system,
        settings,
        stacks_folder=folder,
        seed=seed,
        progress_bar=progress_bar,
        progress=progress,
    )
    with one_line_errors():
        data.prepare_data()


@contextmanager
def _removed_if_useless(folder: Path) -> Iterator[None]:
    """Delete what a run wrote that ends before its first checkpoint, except the simulated stacks.

    Raises
    ------
    DeepZError
        In place of a full disk.
    """
    before = set(folder.iterdir()) if folder.is_dir() else set()
    missing = [path for path in (folder, *folder.parents) if not path.exists()]
    try:
        yield
    except BaseException as error:
        kept = [*folder.glob("*.ckpt"), *folder.glob(f"{BAD_BATCH_NAME}*")]
        if not kept and is_first_process():
            for path in set(folder.glob("*")) - before - {folder / STACKS_NAME}:
                remove(path)
            for path in missing:
                with suppress(OSError):
                    path.rmdir()  # unless it holds something
        if not is_disk_full(error):
            raise
        goes_on = "go on with `resume`" if kept else "repeat the command"
        raise DeepZError(f"the disk of {folder} is full; free some space and {goes_on}") from error


def _make_trainer(
    hardware: Hardware,
    settings: TrainingSettings,
    folder: Path,
    callbacks: Sequence[Callback],
    *,
    progress_bar: bool,
) -> pl.Trainer:
    averaging = [Averaging(settings.average)] if settings.average else []
    return hardware.trainer(
        adversarial=settings.adversarial,
        default_root_dir=folder,
        max_steps=settings.max_steps * settings.updates,
        max_time=None if settings.max_minutes is None else {"seconds": 60 * settings.max_minutes},
        logger=[
            # Each part of a resumed run gets a file of its own, which the logger would overwrite.
            CSVLogger(str(folder), name="metrics"),
            TensorBoardLogger(str(folder), name="tensorboard"),
        ],
        callbacks=[*averaging, *callbacks],
        plugins=[AtomicCheckpointIO()],
        # Adversarial training optimizes manually, without clipping, as in the paper.
        gradient_clip_val=None if settings.adversarial else 1.0,
        num_sanity_val_steps=0,
        use_distributed_sampler=False,  # the batches are already distributed
        log_every_n_steps=min(50, settings.validate_every),
        enable_progress_bar=progress_bar,
        enable_model_summary=False,
    )


def _fit(
    trainer: pl.Trainer, module: GeneratorTraining, data: PatchData, last: Path, *, resume: bool
) -> None:
    """Train, validate after the last iteration, and save the last checkpoint."""
    with one_line_errors():
        trainer.fit(module, data, ckpt_path=last if resume else None, weights_only=True)
        if module.iterations_done % module.run_settings.validate_every:
            trainer.validate(module, data, verbose=False, weights_only=True)
        trainer.save_checkpoint(last)
