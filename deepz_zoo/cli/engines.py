"""``deepz-zoo engines``: what can run a network here, and what is taken."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from deepz_zoo.cli.options import (
    console,
    json_option,
    model_options,
    print_json,
    show_progress,
    weights_option,
)
from deepz_zoo.cli.parameters import Integer

if TYPE_CHECKING:
    from collections.abc import Sequence

    from deepz_zoo.engines.choice import Choice
    from deepz_zoo.engines.survey import EngineState, Timing

_DEFAULT_MODEL = "leica20x_0.8/TxRd"


@click.command("engines")
@model_options(required=False)
@weights_option
@click.option("--benchmark", is_flag=True, help="Time all of them on one plane.")
@click.option(
    "--side",
    "side_px",
    type=Integer(16, 8192),
    default=1024,
    show_default=True,
    metavar="PX",
    help="Side of the plane that is timed.",
)
@click.option(
    "--repeats", type=Integer(1, 1000), default=5, show_default=True, help="Of --benchmark."
)
@click.option("--device", default="auto", show_default=True, help="auto, cpu, cuda, cuda:N or mps.")
@json_option
def command(
    *,
    model_name: str | None,
    weights: str | None,
    benchmark: bool,
    side_px: int,
    repeats: int,
    device: str,
    as_json: bool,
) -> None:
    """Show the engines that run networks here, and which one --engine auto takes for a model.

    Without a model it is leica20x_0.8/TxRd. --benchmark times the engines in turns on random
    numbers and compares their images with torch's in float32.
    """
    from deepz_zoo.engines.choice import choose_engine
    from deepz_zoo.engines.device import choose_device
    from deepz_zoo.engines.survey import choices_of, survey_engines, time_engines
    from deepz_zoo.models import load_model

    if model_name is None and weights is None:
        model_name = _DEFAULT_MODEL
    model, manifest = load_model(model_name, weights=weights)
    states = survey_engines(choose_device(device))
    choices = {
        "for stacks": choose_engine(model.generator, device=device, costs=manifest.precisions),
        "for one small image": choose_engine(
            model.generator, device=device, costs=manifest.precisions, pixels=256**2
        ),
    }
    timings: tuple[Timing, ...] = ()
    if benchmark:
        with show_progress() as progress:
            timings = time_engines(
                model, choices_of(states), side_px, repeats=repeats, progress=progress
            )
    if as_json:
        print_json(_as_json(states, choices, timings))
        return
    _print_states(states)
    click.echo(f"\nauto takes, with {manifest.name}:")
    for work, choice in choices.items():
        click.echo(f"  {work}: {choice} ({choice.reason})")
    if timings:
        _print_timings(timings, side_px)


def _print_states(states: Sequence[EngineState]) -> None:
    from rich.table import Table

    table = Table("engine", "version", "device", "precisions", box=None, pad_edge=False)
    for state in states:
        missing = f"not installed: pip install {state.engine}"
        precisions = ", ".join(state.precisions)
        table.add_row(state.engine, state.version or missing, str(state.device), precisions)
    console().print(table)


def _print_timings(timings: Sequence[Timing], side_px: int) -> None:
    from rich.table import Table

    table = Table(
        *("engine", "median s", "from", "to", "of torch", "difference"), box=None, pad_edge=False
    )
    reference = timings[0].seconds
    for timing in timings:
        table.add_row(
            str(timing.choice),
            f"{timing.seconds:.3f}",
            f"{timing.fastest_s:.3f}",
            f"{timing.slowest_s:.3f}",
            f"{timing.seconds / reference:.2f}",
            f"{timing.difference:.1e}",
        )
    click.echo(f"\nOne plane of {side_px} × {side_px} px:")
    console().print(table)


def _as_json(
    states: Sequence[EngineState], choices: dict[str, Choice], timings: Sequence[Timing]
) -> dict[str, Any]:
    def chosen(choice: Choice) -> dict[str, str]:
        return {
            "engine": choice.engine,
            "precision": choice.precision,
            "device": str(choice.device),
            "reason": choice.reason,
        }

    return {
        "engines": [
            {
                "engine": state.engine,
                "version": state.version,
                "device": str(state.device),
                "precisions": state.precisions,
            }
            for state in states
        ],
        "auto": {work: chosen(choice) for work, choice in choices.items()},
        "timings": [
            {
                "engine": timing.choice.engine,
                "precision": timing.choice.precision,
                "device": str(timing.choice.device),
                "seconds": timing.seconds,
                "fastest_s": timing.fastest_s,
                "slowest_s": timing.slowest_s,
                "difference": timing.difference,
            }
            for timing in timings
        ],
    }
