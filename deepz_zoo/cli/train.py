"""``deepz-zoo train``: a generator from simulated stacks or prepared datasets."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from deepz_zoo.cli.option_names import warn
from deepz_zoo.cli.options import ProgressLines, instrument_option, model_options
from deepz_zoo.cli.parameters import Integer, Number, PathName
from deepz_zoo.cli.verbosity import is_quiet
from deepz_zoo.progress import no_progress

if TYPE_CHECKING:
    from deepz_zoo.optics import ImagingSystem
    from deepz_zoo.preprocess.dataset.storage import PreparedDataset
    from deepz_zoo.training.transfer import Start

_HARDWARE = ("accelerator", "devices", "nodes", "strategy", "precision", "compile", "workers")
_OLD_NAMES = {
    "simulated-share": "simulated-fraction",
    "small-share": "small-fraction",
    "lone-image-share": "single-image-fraction",
    "in-focus-share": "in-focus-fraction",
}


@click.command(
    "train", context_settings={"token_normalize_func": lambda name: _OLD_NAMES.get(name, name)}
)
@model_options()
@instrument_option
@click.option(
    "--output",
    "-o",
    "folder",
    required=True,
    type=PathName(file_okay=False, path_type=Path),
    help="Folder of the run: weights, record, checkpoint, logs and (by default) simulated stacks.",
)
@click.option(
    "--preset",
    type=click.Choice(["lite", "half", "full", "paper"]),
    default="lite",
    show_default=True,
    help="Size of the network and its settings; lite, half and full have a quarter, half "
    "and all of the published channels; paper is exactly as published.",
)
@click.option(
    "--up-kernel",
    type=Integer(2, 3),
    help="Side of the up-convolutions in pixels: 2 as published, or 3.",
)
@click.option(
    "--data",
    metavar="DATASET",
    multiple=True,
    type=PathName(path_type=Path),
    help="Train on this dataset of 'deepz-zoo prepare', not on simulated stacks (repeat).",
)
@click.option("--simulate", is_flag=True, help="Train on simulated stacks in addition to --data.")
@click.option(
    "--from",
    "start",
    metavar="MODEL",
    help="Begin with the weights of a model (leica20x_0.8/TxRd), best.safetensors or last.ckpt; "
    "a larger network grows around those of a smaller one.",
)
@click.option("--resume", is_flag=True, help="Go on from the last checkpoint in the folder.")
@click.option("--seed", type=Integer(0, 1000), default=0, show_default=True)
@click.option("--stacks", type=Integer(2), help="Number of stacks to simulate.")
@click.option("--stack-px", type=Integer(32), help="Side of the simulated stacks in pixels.")
@click.option(
    "--stacks-folder",
    type=PathName(file_okay=False, path_type=Path),
    help="Folder of the simulated stacks, which several runs can use.",
)
@click.option(
    "--simulated-fraction",
    type=Number(0, 1, min_open=True, max_open=True),
    help="Fraction of simulated patches, with --data and --simulate.",
)
@click.option("--stacks-only", is_flag=True, help="Simulate the stacks, and train later.")
@click.option("--max-steps", type=Integer(1), help="Number of iterations.")
@click.option(
    "--max-minutes",
    type=Number(0, min_open=True),
    help="End the training after this time, if it has not ended before.",
)
@click.option("--batch-size", type=Integer(1), help="Patches per iteration and process.")
@click.option("--patch", "patch_px", type=Integer(32), help="Side of a patch in pixels.")
@click.option(
    "--small-patch",
    "small_patch_px",
    type=Integer(32),
    help="Side of the small patches, which have the shorter distances.",
)
@click.option(
    "--small-fraction",
    type=Number(0, 1),
    help="Fraction of the batches with small patches.",
)
@click.option(
    "--single-image-fraction",
    type=Number(0, 1),
    help="Fraction of the patches scaled by their own plane, as single images are.",
)
@click.option(
    "--in-focus-fraction",
    type=Number(0, 1),
    help="Fraction of the simulated targets drawn by their contrast, near focus.",
)
@click.option("--learning-rate", type=Number(0, min_open=True))
@click.option(
    "--warmup-steps", type=Integer(1), help="Iterations over which the learning rate rises."
)
@click.option(
    "--decay-fraction",
    type=Number(0, 1),
    help="Last fraction of the run, over which the learning rate falls to zero.",
)
@click.option(
    "--adversarial",
    is_flag=True,
    default=None,
    help="Train against a discriminator by Eqs. (4) and (5), as --preset paper always does.",
)
@click.option("--alpha", type=Number(0), help="α of Eq. (4).")
@click.option(
    "--alpha-weighs",
    type=click.Choice(["mae", "adversarial"]),
    help="Term that α multiplies; mae in the paper.",
)
@click.option("--validate-every", type=Integer(1), help="Iterations between validations.")
@click.option(
    "--checkpoint-seconds",
    type=Number(0),
    default=60.0,
    show_default=True,
    help="Time between checkpoints: the most that a killed run loses.",
)
@click.option("--accelerator", default="auto", show_default=True, help="cpu, gpu, …")
@click.option("--devices", default="1", show_default=True, help="A number, a list as 0,2, or auto.")
@click.option("--nodes", type=Integer(1), default=1, show_default=True)
@click.option("--strategy", default="auto", show_default=True, help="ddp, fsdp, …")
@click.option("--precision", help="bf16-mixed, 32-true, …; by default what suits the hardware.")
@click.option("--compile", is_flag=True, help="Compile the networks with torch.compile.")
@click.option("--workers", type=Integer(0), help="Processes that cut patches, per device.")
def command(
    model_name: str | None,
    instrument: Path | None,
    folder: Path,
    preset: str,
    data: tuple[Path, ...],
    simulate: bool,
    start: str | None,
    resume: bool,
    seed: int,
    stacks_folder: Path | None,
    stacks_only: bool,
    checkpoint_seconds: float,
    **changes: Any,
) -> None:
    """Train a generator on z-stacks of an objective and a channel, simulated or prepared.

    Simulated stacks are made first (once); --data takes datasets of 'deepz-zoo prepare' in their
    place, which record their objective and channel. The best weights by validation error are kept
    as best.safetensors with their record in best.json, for 'deepz-zoo package --weights' and
    'deepz-zoo evaluate --weights'. To go on with a run that was stopped or killed, add --resume,
    and a larger --max-steps if it should be longer. --instrument with --from adapts a model to one
    microscope. --accelerator, --devices, --nodes, --strategy
    and --precision are those of pytorch-lightning.
    """
    from deepz_zoo.preprocess.dataset.storage import open_dataset
    from deepz_zoo.records.microscope import with_instrument
    from deepz_zoo.training.hardware import Hardware, is_first_process
    from deepz_zoo.training.presets import choose_settings
    from deepz_zoo.training.run import STACKS_NAME, simulate_stacks, train
    from deepz_zoo.training.system import choose_system

    datasets = [open_dataset(path) for path in data]
    if simulate and not datasets:
        raise click.UsageError("--simulate goes with --data; without it, simulation is the default")
    system = with_instrument(choose_system(model_name, datasets), instrument)
    hardware = Hardware(**{name: changes.pop(name) for name in _HARDWARE})
    given = {name: value for name, value in changes.items() if value is not None}
    settings = choose_settings(preset, given)
    bars = sys.stderr.isatty() and not is_quiet()
    shown: Any = {
        "progress_bar": bars,
        "progress": no_progress if bars or is_quiet() else ProgressLines(),
    }
    if stacks_only:
        if datasets:
            raise click.UsageError("--stacks-only simulates; leave --data out")
        stacks = stacks_folder or folder / STACKS_NAME
        simulate_stacks(system, settings, stacks, seed=seed, **shown)
        click.echo(f"simulated stacks: {stacks}")
        return
    begin = None if start is None or resume else _load_start(start)
    if begin is not None and is_first_process():
        _warn_of_other_data(begin, system, datasets)
    weights = train(
        system,
        settings,
        folder,
        preset=preset,
        seed=seed,
        datasets=datasets,
        simulate=simulate or not datasets,
        stacks_folder=stacks_folder,
        start=begin,
        resume=resume,
        hardware=hardware,
        checkpoint_seconds=checkpoint_seconds,
        command=_reproducible(
            system.name, preset, seed, data, simulate, start, given, instrument=instrument
        ),
        **shown,
    )
    if is_first_process():
        click.echo(f"best weights: {weights}")


def _load_start(name: str) -> Start:
    """Load the weights that --from names."""
    from deepz_zoo.models import load_model
    from deepz_zoo.training.transfer import start_from_checkpoint, start_from_model

    path = Path(name)
    if path.suffix == ".ckpt":
        return start_from_checkpoint(path)
    file = path if path.exists() or path.suffix == ".safetensors" else None
    model, manifest = load_model(file or name)
    return start_from_model(model, manifest, file=file)


def _warn_of_other_data(
    start: Start, system: ImagingSystem, datasets: Sequence[PreparedDataset]
) -> None:
    """Print where the data are outside of the ranges that the weights were trained on."""
    from deepz_zoo.records.data_ranges import system_ranges
    from deepz_zoo.refocus.in_range import data_warnings
    from deepz_zoo.training.ranges import source_ranges
    from deepz_zoo.training.sources import PreparedPairs

    if start.training is None:
        return
    found = {"": system_ranges(system)} if not datasets else {}
    for dataset in datasets:
        found[f"{dataset.path}: "] = source_ranges(PreparedPairs(dataset, "training"), system)
    for place, ranges in found.items():
        for line in data_warnings(ranges, start.training):
            warn(f"{place}{line} ({start.record.weights})")


def _reproducible(
    name: str,
    preset: str,
    seed: int,
    data: Sequence[Path],
    simulate: bool,
    start: str | None,
    given: dict[str, Any],
    *,
    instrument: Path | None = None,
) -> str:
    """Return the command that repeats a run, without the folders of its files."""
    options = {parameter.name: parameter.opts[0] for parameter in command.params}
    words = ["deepz-zoo", "train", name, "-o", "RUN", "--preset", preset, "--seed", str(seed)]
    for path in data:
        words += ["--data", path.resolve().name]
    if simulate:
        words.append("--simulate")
    if instrument is not None:
        words += ["--instrument", instrument.name]
    if start is not None:
        path = Path(start)
        words += ["--from", path.name if path.exists() else start]
    for parameter, value in given.items():
        words += [options[parameter]] if value is True else [options[parameter], str(value)]
    return shlex.join(words)
