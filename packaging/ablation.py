"""Find out what bounds a model's accuracy: train it on with one thing changed at a time.

For maintainers: ``python packaging/ablation.py RUNS``. Every condition begins with the weights of
the zoo, trains the same number of iterations on as many stacks, and is measured on the benchmark of
its own microscope with low noise, beside the weights that it began with:

- ``as it is``: nothing changed, which shows what comes of more training alone;
- ``one instrument``: every stack comes from the same point-spread function, in the middle of the
  ranges of the system and without coma, astigmatism and loss of aperture; what
  one image does not tell of its instrument is then known;
- ``far``: the longer distances alone, which are otherwise two fifths of the patches;
- ``wider``: 1.5 times the channels, grown around the trained ones.

The results are in docs/accuracy.md. A condition that was measured is not measured again.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import click
import torch

from deepz_zoo.evaluation import benchmark
from deepz_zoo.files import replacing
from deepz_zoo.models import load_model
from deepz_zoo.network.config import GeneratorConfig
from deepz_zoo.network.generator import Generator
from deepz_zoo.network.graph.wrapper import DeepZModel
from deepz_zoo.network.growth import grow_from
from deepz_zoo.optics import ImagingSystem
from deepz_zoo.records.accuracy import Accuracy
from deepz_zoo.records.manifest import Manifest
from deepz_zoo.records.training import StartRecord
from deepz_zoo.training.presets import choose_settings
from deepz_zoo.training.run import LAST_CHECKPOINT_NAME, train
from deepz_zoo.training.transfer import Start

_WIDER = 1.5
_SEED = 31

CONDITIONS = ("as it is", "one instrument", "far", "wider")


@dataclass(frozen=True)
class Condition:
    """What one run trains, and on what; `changes` are those of the training settings."""

    system: ImagingSystem
    config: GeneratorConfig
    generator: Generator
    changes: dict[str, Any] = field(default_factory=dict)


def one_instrument(system: ImagingSystem) -> ImagingSystem:
    """Return a system whose stacks all have one point-spread function, amid its ranges."""
    ranges = system.aberrations

    def middle(interval: tuple[float, float]) -> tuple[float, float]:
        return (sum(interval) / 2,) * 2

    fixed = ranges.model_copy(
        update={
            "coverslip_um": (ranges.coverslip_um[0], 0.0),
            "depth_um": middle(ranges.depth_um),
            "specimen_index": middle(ranges.specimen_index),
            "immersion_index": middle(ranges.immersion_index),
            "residual_blur_um": middle(ranges.residual_blur_um),
            "coma_waves": 0.0,
            "astigmatism_waves": 0.0,
            "na_loss": 0.0,
        }
    )
    band = middle(system.channel.emission_band_um)
    channel = system.channel.model_copy(update={"emission_band_um": band})
    return system.model_copy(update={"aberrations": fixed, "channel": channel})


def grown(generator: Generator, config: GeneratorConfig) -> Generator:
    """Return a generator of a wider `config` that computes almost what `generator` does."""
    torch.manual_seed(_SEED)
    wider = Generator(config)
    grow_from(wider, generator)
    return wider


def _condition(title: str, model: DeepZModel, manifest: Manifest) -> Condition:
    system, config = manifest.system, manifest.generator
    assert isinstance(model.generator, Generator)
    same = Condition(system, config, model.generator)
    if title == "one instrument":
        return replace(same, system=one_instrument(system))
    if title == "far":
        # Large patches take what small ones do not hold, and here next to all are large.
        return replace(same, changes={"small_fraction": 0.001})
    if title == "wider":
        wider = config.model_copy(update={"width": _WIDER * config.width})
        return replace(same, config=wider, generator=grown(model.generator, wider))
    return same


def _measure(model: DeepZModel, system: ImagingSystem) -> Accuracy:
    settings = benchmark.default_settings(system)
    settings = settings.model_copy(update={"richardson_lucy_iterations": 0})
    return benchmark.evaluate(model, system, noise="low", settings=settings)


def _train_on(
    manifest: Manifest, condition: Condition, run: Path, stacks: int, steps: int
) -> DeepZModel:
    """Train a condition to its end, going on where it was stopped."""
    settings = choose_settings(
        "lite",
        {
            "generator": condition.config.model_dump(),
            "stacks": stacks,
            "max_steps": steps,
            "validate_every": 500,
            "learning_rate": 1e-3,
            "decay_fraction": 0.6,
            **condition.changes,
        },
    )
    record = StartRecord(
        weights=manifest.name,
        system=manifest.name,
        sha256=manifest.sha256,
        training_data=manifest.training_data,
    )
    train(
        condition.system,
        settings,
        run,
        preset="lite",
        seed=_SEED,
        # Stacks of the same system serve several conditions.
        stacks_folder=run.parent / f"stacks of {_digest(condition.system)}",
        start=Start(condition.generator.state_dict(), record),
        resume=(run / LAST_CHECKPOINT_NAME).is_file(),
        progress_bar=False,
    )
    return load_model(run)[0]


def _digest(system: ImagingSystem) -> str:
    return hashlib.sha256(system.model_dump_json().encode()).hexdigest()[:12]


@click.command()
@click.argument("folder", type=click.Path(file_okay=False, path_type=Path))
@click.option("--model", "name", default="leica20x_0.8/TxRd", show_default=True)
@click.option(
    "--only", type=click.Choice(CONDITIONS), multiple=True, help="Repeatable; all by default."
)
@click.option("--stacks", type=click.IntRange(2), default=240, show_default=True)
@click.option("--steps", type=click.IntRange(1), default=1500, show_default=True)
def main(folder: Path, name: str, only: tuple[str, ...], stacks: int, steps: int) -> None:
    """Continue the training of a model under changed conditions; all results go into FOLDER."""
    folder.mkdir(parents=True, exist_ok=True)
    model, manifest = load_model(name)
    for title in only or CONDITIONS:
        condition, run = _condition(title, model, manifest), folder / title
        results = folder / f"{title}.json"
        if not results.exists():
            as_shipped = condition.system == manifest.system
            before = manifest.accuracy if as_shipped else _measure(model, condition.system)
            assert before is not None
            trained = _train_on(manifest, condition, run, stacks, steps)
            after = _measure(trained, condition.system)
            with replacing(results) as temporary:
                both = {"before": before.model_dump(), "after": after.model_dump()}
                temporary.write_text(json.dumps(both))
        for when, accuracy in json.loads(results.read_text()).items():
            click.echo(f"{title}, {when}: {_summary(Accuracy.model_validate(accuracy))}")


def _summary(accuracy: Accuracy) -> str:
    images = (
        f"{accuracy.correlation(dz=dz):.3f} and {accuracy.error_over_rms(dz=dz):.3f} at {dz:g} µm"
        for dz in accuracy.distances_um
    )
    beads = (
        f"{row.dz_um:+g} µm: {row.peak.median:.2f}, {row.fwhm.median if row.fwhm else 0:.2f}, "
        f"{row.flux.median:.2f}"
        for row in accuracy.bead_rows()
    )
    return (
        f"correlation and error/rms {', '.join(images)}; peak, FWHM, flux of beads from "
        f"{'; '.join(beads)}"
    )


if __name__ == "__main__":
    main()
