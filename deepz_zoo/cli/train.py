"""``deepz-zoo train``: a generator from simulated stacks."""

from __future__ import annotations

import shlex
import sys
from pathlib import Path
from typing import Any

import click

from deepz_zoo.cli.options import model_options


@click.command("train")
@model_options()
@click.option(
    "--output",
    "-o",
    "folder",
    required=True,
    type=click.Path(file_okay=False, path_type=Path),
    help="Run directory: weights, record, checkpoint, logs and (by default) the stacks.",
)
@click.option(
    "--preset",
    type=click.Choice(["lite", "paper"]),
    default="lite",
    show_default=True,
    help="Size of the network and the settings that go with it.",
)
@click.option("--seed", type=click.IntRange(0, 1000), default=0, show_default=True)
@click.option("--stacks", type=click.IntRange(2), help="Stacks to simulate.")
@click.option("--max-steps", type=click.IntRange(1), help="Steps in all.")
@click.option("--batch-size", type=click.IntRange(1), help="Patches of one step.")
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
@click.option("--learning-rate", type=click.FloatRange(0, min_open=True))
@click.option(
    "--decay-fraction",
    type=click.FloatRange(0, 1),
    help="Last part of the run over which the learning rate falls to zero.",
)
@click.option("--validate-every", type=click.IntRange(1), help="Steps between validations.")
@click.option(
    "--data",
    "data_folder",
    type=click.Path(file_okay=False, path_type=Path),
    help="Keep the simulated stacks here, to be used again by other runs.",
)
@click.option("--resume", is_flag=True, help="Go on from the run directory's last checkpoint.")
def command(
    model_name: str,
    folder: Path,
    preset: str,
    seed: int,
    data_folder: Path | None,
    resume: bool,
    **changes: Any,
) -> None:
    """Train a generator on simulated z-stacks of an objective and a channel.

    The stacks are simulated first (once). The best weights by validation error are kept as
    best.safetensors with their record in best.json; `deepz-zoo package --weights` and
    `deepz-zoo evaluate --weights` take them from there. A run that was stopped goes on with
    --resume, and may be given more --max-steps.
    """
    from pydantic import ValidationError

    from deepz_zoo.errors import DeepZError
    from deepz_zoo.optics import get_system
    from deepz_zoo.training.presets import PRESETS, TrainingSettings
    from deepz_zoo.training.run import train

    system = get_system(model_name)
    given = {name: value for name, value in changes.items() if value is not None}
    try:
        settings = TrainingSettings.model_validate(PRESETS[preset].model_dump() | given)
    except ValidationError as error:
        first = error.errors()[0]
        option = ", ".join(f"{_option(str(name))} {given[str(name)]}" for name in first["loc"])
        raise DeepZError(f"{option or 'settings'}: {first['msg']}") from None
    weights = train(
        system,
        settings,
        folder,
        preset=preset,
        seed=seed,
        data_folder=data_folder,
        resume=resume,
        command=_reproducible(system.name, preset, seed, given),
        progress=sys.stderr.isatty(),
    )
    click.echo(f"best weights: {weights}")


def _reproducible(name: str, preset: str, seed: int, given: dict[str, Any]) -> str:
    """Return the command that repeats a run, without where it happened to be kept."""
    words = ["deepz-zoo", "train", name, "-o", "RUN", "--preset", preset, "--seed", str(seed)]
    for parameter, value in given.items():
        words += [_option(parameter), str(value)]
    return shlex.join(words)


def _option(parameter: str) -> str:
    return f"--{parameter.removesuffix('_px').replace('_', '-')}"
