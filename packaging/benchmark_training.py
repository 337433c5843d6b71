"""Print how many patches per second each preset trains on, on this machine.

For maintainers: ``python packaging/benchmark_training.py [--preset lite] [--compile]``.
The batches are made as in a training, from a few stacks that are simulated first; give
``--stacks-folder`` to keep them. A rate counts pixels, in patches of 256 × 256 px. An adversarial
iteration makes all its updates from one batch, whose patches count once.
"""

from __future__ import annotations

import time
import warnings
from pathlib import Path
from tempfile import TemporaryDirectory

import click
import pytorch_lightning as pl
import torch

from deepz_zoo.cli.options import console
from deepz_zoo.optics import get_system
from deepz_zoo.training.adversarial import make_training
from deepz_zoo.training.data import PatchData
from deepz_zoo.training.hardware import Hardware, device_name
from deepz_zoo.training.presets import TRAINING_PRESETS, TrainingSettings
from deepz_zoo.training.quiet import quiet_lightning
from deepz_zoo.training.simulated_batches import Sample

SYSTEM = get_system("leica20x_0.8/TxRd")
STACKS = 12
PATCH_PX = 256


class Stopwatch(pl.Callback):
    """Measures time and pixels of all iterations but the first ones, which include the setup."""

    def __init__(self, warm_up: int) -> None:
        self.warm_up = warm_up
        self.started = self.seconds = 0.0
        self.pixels = 0

    def on_train_batch_end(
        self,
        trainer: pl.Trainer,
        pl_module: pl.LightningModule,
        outputs: object,
        batch: Sample,
        batch_idx: int,
    ) -> None:
        """Wait for the device, then take the time."""
        if batch_idx >= self.warm_up:
            self.pixels += batch["target"].numel()
        if batch_idx + 1 == self.warm_up or batch_idx + 1 == trainer.num_training_batches:
            if torch.cuda.is_available():
                torch.cuda.synchronize()
            now = time.perf_counter()
            self.started, self.seconds = self.started or now, now - (self.started or now)


@click.command()
@click.option(
    "--preset", type=click.Choice(sorted(TRAINING_PRESETS)), multiple=True, help="Repeatable."
)
@click.option("--precision", multiple=True, help="bf16-mixed, 32-true, …; repeatable.")
@click.option("--compile", is_flag=True, help="Compile the networks with torch.compile.")
@click.option("--accelerator", default="auto", show_default=True, help="cpu, gpu, …")
@click.option("--iterations", type=click.IntRange(1), default=20, show_default=True)
@click.option("--warm-up", type=click.IntRange(1), default=5, show_default=True)
@click.option("--batch-size", type=click.IntRange(1), help="In place of the preset's.")
@click.option(
    "--stacks-folder",
    type=click.Path(file_okay=False, path_type=Path),
    help="Where the simulated stacks are, or will be kept.",
)
def benchmark(
    preset: tuple[str, ...],
    precision: tuple[str, ...],
    compile: bool,
    accelerator: str,
    iterations: int,
    warm_up: int,
    batch_size: int | None,
    stacks_folder: Path | None,
) -> None:
    """Time the iterations of each preset."""
    changes = {"stacks": STACKS, "validate_every": warm_up + iterations}
    if batch_size is not None:
        changes["batch_size"] = batch_size
    with TemporaryDirectory() as temporary:
        folder = stacks_folder or Path(temporary)
        for name in preset or sorted(TRAINING_PRESETS):
            settings = TRAINING_PRESETS[name].model_copy(update=changes)
            for wanted in precision or (None,):
                hardware = Hardware(accelerator=accelerator, precision=wanted, compile=compile)
                rate = _time(settings, hardware, folder, Stopwatch(warm_up))
                console().print(f"{name}: {rate}")


def _time(settings: TrainingSettings, hardware: Hardware, folder: Path, watch: Stopwatch) -> str:
    torch.manual_seed(0)
    module = make_training(settings)
    if hardware.compile:
        module.compile_networks()
    data = PatchData(SYSTEM, settings, stacks_folder=folder, workers=hardware.patch_workers)
    with quiet_lightning():
        warnings.filterwarnings("ignore", "You defined a `validation_step`")  # as intended
        trainer = hardware.trainer(
            adversarial=settings.adversarial,
            max_epochs=1,
            callbacks=[watch],
            logger=False,
            enable_checkpointing=False,
            enable_progress_bar=False,
            enable_model_summary=False,
            gradient_clip_val=None if settings.adversarial else 1.0,
            limit_val_batches=0,
            use_distributed_sampler=False,
        )
        trainer.fit(module, data)
    rate = watch.pixels / PATCH_PX**2 / watch.seconds
    compiled = ", compiled" if hardware.compile else ""
    return (
        f"{rate:.2f} patches of {PATCH_PX}² px/s ({device_name(trainer)}, {trainer.precision}"
        f"{compiled}, batch {settings.batch_size}, {settings.small_patch_px} and "
        f"{settings.patch_px} px, {settings.updates} updates per iteration)"
    )


if __name__ == "__main__":
    benchmark()
