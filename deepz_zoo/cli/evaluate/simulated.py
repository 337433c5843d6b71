"""``deepz-zoo evaluate simulated``: the accuracy of a model on held-out simulated stacks."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import click

from deepz_zoo.cli.accuracy_tables import print_accuracy
from deepz_zoo.cli.evaluate.output import Outputs, output_options
from deepz_zoo.cli.options import (
    EngineOptions,
    engine_options,
    instrument_option,
    model_options,
    show_progress,
    weights_option,
)
from deepz_zoo.cli.parameters import Integer

if TYPE_CHECKING:
    from pathlib import Path

    from deepz_zoo.records.accuracy import Noise


@click.command("simulated")
@model_options()
@weights_option
@instrument_option
@click.option(
    "--seeds",
    type=Integer(1, 1000),
    show_default="4",
    help="Held-out simulated stacks of each specimen and noise.",
)
@click.option(
    "--noise",
    type=click.Choice(["low", "realistic", "both"]),
    default="both",
    show_default=True,
    help="Noise of the simulated input images.",
)
@click.option(
    "--against",
    metavar="MODEL",
    help="Compare another model on the same images: a name, a checkpoint or a package.",
)
@click.option("--quick", is_flag=True, help="A first look: small images, no deconvolution.")
@engine_options("torch", "float32", "cpu")
@output_options
def simulated(
    *,
    model_name: str | None,
    weights: str | None,
    instrument: Path | None,
    seeds: int | None,
    noise: Noise | Literal["both"],
    against: str | None,
    quick: bool,
    engine_options: EngineOptions,
    outputs: Outputs,
) -> None:
    """Measure on held-out simulated z-stacks (the default).

    Each refocused image is compared with the noise-free plane. For comparison there are a blank
    image, the input as it is and Richardson–Lucy deconvolution with the true point-spread function;
    and with --against another model, such as that of the other --size.
    """
    from deepz_zoo.cards.plots import plot_accuracy
    from deepz_zoo.evaluation.benchmark import (
        FIRST_SEED,
        SEEDS,
        benchmark_system,
        default_settings,
        evaluate,
        quick_settings,
    )
    from deepz_zoo.models import load_model
    from deepz_zoo.records.microscope import with_instrument

    model, manifest = load_model(model_name, weights=weights)
    system = with_instrument(benchmark_system(manifest), instrument)
    model = engine_options.apply(model, manifest)
    other = None
    if against is not None:
        compared, described = load_model(against)
        other = f"{against} ({described.size})", engine_options.apply(compared, described)
    with show_progress() as progress:
        accuracy = evaluate(
            model,
            system,
            seeds=range(FIRST_SEED, FIRST_SEED + (seeds or len(SEEDS))),
            noise=noise,
            settings=(quick_settings if quick else default_settings)(system),
            other=other,
            progress=progress,
        )
    print_accuracy(accuracy)
    outputs.write(accuracy, plot_accuracy)
