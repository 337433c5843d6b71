"""Print how many patches per second each preset trains on, on this machine.

For maintainers: ``python packaging/benchmark_training.py [--preset lite] [--compile]``.
The patches are random and already in memory: the time to cut them from stacks is not included.
An adversarial iteration makes all its updates from one batch, whose patches count once.
"""

from __future__ import annotations

import time
import warnings

import click
import pytorch_lightning as pl
import torch
from torch.utils.data import DataLoader, Dataset

from deepz_zoo.cli.options import console
from deepz_zoo.training.adversarial import make_training
from deepz_zoo.training.hardware import Hardware, device_name
from deepz_zoo.training.presets import TRAINING_PRESETS, TrainingSettings
from deepz_zoo.training.quiet import quiet_lightning
from deepz_zoo.training.simulated_batches import Sample


class RandomBatches(Dataset[Sample]):
    """Batches of noise in the sizes of a preset, in the same fractions."""

    def __init__(self, settings: TrainingSettings, iterations: int) -> None:
        rng = torch.Generator().manual_seed(0)
        fraction = settings.small_fraction
        sizes = {
            small: settings.small_patch_px if small else settings.patch_px
            for small in (True, False)
        }
        self._batches: dict[int, Sample] = {
            px: {
                "input": torch.rand(settings.batch_size, 2, px, px, generator=rng),
                "target": torch.rand(settings.batch_size, 1, px, px, generator=rng),
            }
            for px in set(sizes.values())
        }
        self._sizes = [
            sizes[int((i + 1) * fraction) > int(i * fraction)] for i in range(max(iterations, 10))
        ]
        self._length = iterations

    def __len__(self) -> int:
        return self._length

    def __getitem__(self, index: int) -> Sample:
        return self._batches[self._sizes[index]]


class Stopwatch(pl.Callback):
    """Measures the time of all iterations but the first ones, which include the setup."""

    def __init__(self, warm_up: int) -> None:
        self.warm_up = warm_up
        self.started = self.seconds = 0.0

    def on_train_batch_end(
        self,
        trainer: pl.Trainer,
        pl_module: pl.LightningModule,
        outputs: object,
        batch: Sample,
        batch_idx: int,
    ) -> None:
        """Wait for the device, then take the time."""
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
def benchmark(
    preset: tuple[str, ...],
    precision: tuple[str, ...],
    compile: bool,
    accelerator: str,
    iterations: int,
    warm_up: int,
    batch_size: int | None,
) -> None:
    """Time the iterations of each preset."""
    for name in preset or sorted(TRAINING_PRESETS):
        settings = TRAINING_PRESETS[name]
        if batch_size is not None:
            settings = settings.model_copy(update={"batch_size": batch_size})
        for wanted in precision or (None,):
            hardware = Hardware(accelerator=accelerator, precision=wanted, compile=compile)
            console().print(f"{name}: {_time(settings, hardware, iterations, warm_up)}")


def _time(settings: TrainingSettings, hardware: Hardware, iterations: int, warm_up: int) -> str:
    torch.manual_seed(0)
    module = make_training(settings)
    if hardware.compile:
        module.compile_networks()
    watch = Stopwatch(warm_up)
    batches = DataLoader(RandomBatches(settings, warm_up + iterations), batch_size=None)
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
        )
        trainer.fit(module, batches)
    rate = iterations * settings.batch_size / watch.seconds
    compiled = ", compiled" if hardware.compile else ""
    return (
        f"{rate:.1f} patches/s ({device_name(trainer)}, {trainer.precision}{compiled}, "
        f"batch {settings.batch_size}, {settings.small_patch_px} and {settings.patch_px} px, "
        f"{settings.updates} updates per iteration)"
    )


if __name__ == "__main__":
    benchmark()
