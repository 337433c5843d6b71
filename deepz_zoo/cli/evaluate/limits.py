"""``deepz-zoo evaluate limits``: where a model fails."""

from __future__ import annotations

import click

from deepz_zoo.cli.accuracy_tables import print_limits
from deepz_zoo.cli.evaluate.output import Outputs, output_options
from deepz_zoo.cli.options import (
    EngineOptions,
    engine_options,
    model_options,
    show_progress,
    weights_option,
)
from deepz_zoo.cli.parameters import Integer
from deepz_zoo.records.conditions import CONDITIONS, Condition


@click.command("limits")
@model_options()
@weights_option
@click.option(
    "--condition",
    "conditions",
    multiple=True,
    type=click.Choice(CONDITIONS),
    help="Measure under this condition only (repeatable).  [default: all]",
)
@click.option(
    "--seeds",
    type=Integer(1, 1000),
    show_default="2",
    help="Held-out instruments.",
)
@click.option("--quick", is_flag=True, help="A first look: small images, fewer of them.")
@engine_options("torch", "float32", "cpu")
@output_options
def limits(
    *,
    model_name: str | None,
    weights: str | None,
    conditions: tuple[Condition, ...],
    seeds: int | None,
    quick: bool,
    engine_options: EngineOptions,
    outputs: Outputs,
) -> None:
    """Measure where a model fails.

    On simulated z-stacks, in which one condition at a time leaves what the model was trained on.
    """
    from deepz_zoo.cards.plots import plot_limits
    from deepz_zoo.evaluation.benchmark import benchmark_system
    from deepz_zoo.evaluation.limits import (
        FIRST_SEED,
        SEEDS,
        default_settings,
        measure_limits,
        quick_settings,
    )
    from deepz_zoo.models import load_model

    model, manifest = load_model(model_name, weights=weights)
    system = benchmark_system(manifest)
    model = engine_options.apply(model, manifest)
    with show_progress() as progress:
        found = measure_limits(
            model,
            system,
            conditions=conditions or CONDITIONS,
            seeds=range(FIRST_SEED, FIRST_SEED + (seeds or len(SEEDS))),
            settings=(quick_settings if quick else default_settings)(system),
            progress=progress,
        )
    print_limits(found)
    outputs.write(found, plot_limits)
