"""``deepz-zoo train``: a generator from simulated stacks or prepared datasets."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from deepz_zoo.cli.options import model_options

if TYPE_CHECKING:
    from deepz_zoo.optics import ImagingSystem
    from deepz_zoo.preprocess.dataset.storage import PreparedDataset
    from deepz_zoo.training.transfer import Start

_HARDWARE = ("accelerator", "devices", "nodes", "strategy", "precision", "compile", "workers")


@click.command("train")
@model_options()
@click.option(
    "--output",
    "-o",
    "folder",
    required=True,
    type=click.Path(file_okay=False, path_type=Path),
    help="Run directory: weights, record, checkpoint, logs and (by default) simulated stacks.",
)
@click.option(
    "--preset",
    type=click.Choice(["lite", "paper"]),
    default="lite",
    show_default=True,
    help="Size of the network and the settings that go with it; paper is to the letter.",
)
@click.option(
    "--data",
    metavar="DATASET",
    multiple=True,
    type=click.Path(path_type=Path),
    help="Train on this dataset of 'deepz-zoo prepare', not on simulated stacks; repeatable.",
)
@click.option("--simulate", is_flag=True, help="Train on simulated stacks beside --data.")
@click.option(
    "--from",
    "from_weights",
    metavar="MODEL",
    help="Begin with the weights of a model (leica20x_0.8/TxRd), best.safetensors or last.ckpt.",
)
@click.option("--resume", is_flag=True, help="Go on from the run directory's last checkpoint.")
@click.option("--seed", type=click.IntRange(0, 1000), default=0, show_default=True)
@click.option("--stacks", type=click.IntRange(2), help="Stacks to simulate.")
@click.option(
    "--stacks-folder",
    type=click.Path(file_okay=False, path_type=Path),
    help="Keep the simulated stacks here, to be used again by other runs.",
)
@click.option(
    "--simulated-share",
    type=click.FloatRange(0, 1, min_open=True, max_open=True),
    help="Share of simulated patches, with --data and --simulate.",
)
@click.option("--max-steps", type=click.IntRange(1), help="Iterations in all.")
@click.option("--batch-size", type=click.IntRange(1), help="Patches of an iteration and process.")
@click.option("--patch", "patch_px", type=click.IntRange(32), help="Side of a patch in pixels.")
@click.option(
    "--small-patch",
    "small_patch_px",
    type=click.IntRange(32),
    help="Side of the patches that hold shorter distances.",
)
@click.option(
    "--small-share", type=click.FloatRange(0, 1), help="Share of the batches with small patches."
)
@click.option(
    "--lone-image-share",
    type=click.FloatRange(0, 1),
    help="Share of the patches scaled by their own plane, as lone images are, not by their stack.",
)
@click.option(
    "--in-focus-share",
    type=click.FloatRange(0, 1),
    help="Share of the simulated targets drawn by their contrast, near focus.",
)
@click.option("--learning-rate", type=click.FloatRange(0, min_open=True))
@click.option(
    "--decay-fraction",
    type=click.FloatRange(0, 1),
    help="Last part of the run over which the learning rate falls to zero.",
)
@click.option(
    "--adversarial",
    is_flag=True,
    default=None,
    help="Train against a discriminator, Eqs. (4) and (5); --preset paper does so anyway.",
)
@click.option("--alpha", type=click.FloatRange(0), help="α of Eq. (4).")
@click.option(
    "--alpha-weighs",
    type=click.Choice(["mae", "adversarial"]),
    help="Term that α multiplies: mae as printed.",
)
@click.option("--validate-every", type=click.IntRange(1), help="Iterations between validations.")
@click.option(
    "--checkpoint-seconds",
    type=click.FloatRange(0),
    default=60.0,
    show_default=True,
    help="What a killed run loses at most.",
)
@click.option("--accelerator", default="auto", show_default=True, help="cpu, gpu, …")
@click.option("--devices", default="1", show_default=True, help="A number, a list as 0,2, or auto.")
@click.option("--nodes", type=click.IntRange(1), default=1, show_default=True)
@click.option("--strategy", default="auto", show_default=True, help="ddp, fsdp, …")
@click.option("--precision", help="bf16-mixed, 32-true, …; what suits the machine by default.")
@click.option("--compile", is_flag=True, help="Compile the networks with torch.compile.")
@click.option("--workers", type=click.IntRange(0), help="Processes that cut patches, per device.")
def command(
    model_name: str | None,
    folder: Path,
    preset: str,
    data: tuple[Path, ...],
    simulate: bool,
    from_weights: str | None,
    resume: bool,
    seed: int,
    stacks_folder: Path | None,
    checkpoint_seconds: float,
    **changes: Any,
) -> None:
    """Train a generator on z-stacks of an objective and a channel, simulated or prepared.

    Simulated stacks are made first (once); --data takes datasets of 'deepz-zoo prepare' in their
    place, which know their objective and channel. The best weights by validation error are kept as
    best.safetensors with their record in best.json; 'deepz-zoo package --weights' and 'deepz-zoo
    evaluate --weights' take them from there. A run that was stopped or killed goes on with
    --resume, and may be given more --max-steps. --accelerator, --devices, --nodes, --strategy and
    --precision are pytorch-lightning's.
    """
    from pydantic import ValidationError

    from deepz_zoo.errors import DeepZError
    from deepz_zoo.preprocess.dataset.storage import open_dataset
    from deepz_zoo.training.hardware import Hardware
    from deepz_zoo.training.presets import choose_settings
    from deepz_zoo.training.run import train

    datasets = [open_dataset(path) for path in data]
    if simulate and not datasets:
        raise click.UsageError("--simulate goes with --data; without it, simulation is the default")
    system = _system(model_name, datasets)
    hardware = Hardware(**{name: changes.pop(name) for name in _HARDWARE})
    given = {name: value for name, value in changes.items() if value is not None}
    try:
        settings = choose_settings(preset, given)
    except ValidationError as error:
        first = error.errors()[0]
        option = ", ".join(f"{_option(str(name))} {given[str(name)]}" for name in first["loc"])
        raise DeepZError(f"{option or 'settings'}: {first['msg']}") from None
    start = None if from_weights is None or resume else _start(from_weights)
    if start is not None:
        _warn(start, system, datasets)
    weights = train(
        system,
        settings,
        folder,
        preset=preset,
        seed=seed,
        datasets=datasets,
        simulate=simulate or not datasets,
        stacks_folder=stacks_folder,
        start=start,
        resume=resume,
        hardware=hardware,
        checkpoint_seconds=checkpoint_seconds,
        command=_reproducible(system.name, preset, seed, data, simulate, from_weights, given),
        progress=sys.stderr.isatty(),
    )
    if _is_first_process():
        click.echo(f"best weights: {weights}")


def _system(model_name: str | None, datasets: Sequence[PreparedDataset]) -> ImagingSystem:
    """Return the one system that the name and the datasets agree on."""
    from deepz_zoo.errors import DeepZError
    from deepz_zoo.optics import get_system

    if not datasets:
        assert model_name is not None
        return get_system(model_name)
    first = datasets[0].manifest.system
    for dataset in datasets[1:]:
        if (other := dataset.manifest.system) != first:
            raise DeepZError(
                f"{datasets[0].path} is of {first.name} at {first.pixel_size_um:g} µm, "
                f"{dataset.path} of {other.name} at {other.pixel_size_um:g} µm; a model is for one"
            )
    if model_name is not None and model_name.lower() != first.name.lower():
        raise DeepZError(f"{datasets[0].path} is of {first.name}, but {model_name} was asked for")
    return first


def _start(name: str) -> Start:
    """Find the weights that --from names."""
    from deepz_zoo.records.training import StartRecord
    from deepz_zoo.training.transfer import Start, start_from_checkpoint
    from deepz_zoo.zoo import load_model

    path = Path(name)
    if path.suffix == ".ckpt":
        return start_from_checkpoint(path)
    is_file = path.exists() or path.suffix == ".safetensors"
    model, manifest = load_model(path if is_file else name)
    record = StartRecord(
        weights=path.name if is_file else manifest.name,
        system=manifest.name,
        sha256=manifest.sha256,
        training_data=manifest.training_data,
        license=manifest.license if manifest.restricted else None,
    )
    return Start(model.generator.state_dict(), record, manifest.training)


def _warn(start: Start, system: ImagingSystem, datasets: Sequence[PreparedDataset]) -> None:
    """Print where the data lie outside of what the weights to begin with were trained on."""
    from deepz_zoo.records.data_ranges import system_ranges
    from deepz_zoo.refocus.in_range import data_warnings
    from deepz_zoo.training.ranges import source_ranges
    from deepz_zoo.training.sources import PreparedPairs

    if start.training is None or not _is_first_process():
        return
    found = {"": system_ranges(system)} if not datasets else {}
    for dataset in datasets:
        found[f"{dataset.path}: "] = source_ranges(PreparedPairs(dataset, "training"), system)
    for place, ranges in found.items():
        for line in data_warnings(ranges, start.training):
            click.echo(f"Warning: {place}{line} ({start.record.weights})", err=True)


def _is_first_process() -> bool:
    from pytorch_lightning.utilities import rank_zero_only

    return getattr(rank_zero_only, "rank", 0) in {0, None}


def _reproducible(
    name: str,
    preset: str,
    seed: int,
    data: Sequence[Path],
    simulate: bool,
    from_weights: str | None,
    given: dict[str, Any],
) -> str:
    """Return the command that repeats a run, without where it happened to be kept."""
    words = ["deepz-zoo", "train", name, "-o", "RUN", "--preset", preset, "--seed", str(seed)]
    for path in data:
        words += ["--data", path.resolve().name]
    if simulate:
        words.append("--simulate")
    if from_weights is not None:
        path = Path(from_weights)
        words += ["--from", path.name if path.exists() else from_weights]
    for parameter, value in given.items():
        words += [_option(parameter)] if value is True else [_option(parameter), str(value)]
    return shlex.join(words)


def _option(parameter: str) -> str:
    return f"--{parameter.removesuffix('_px').replace('_', '-')}"
