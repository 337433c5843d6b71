"""``deepz-zoo evaluate benchmark``: whether a manifest's accuracy is measured again."""

from __future__ import annotations

import click

from deepz_zoo.cli.accuracy_tables import print_accuracy
from deepz_zoo.cli.evaluate.output import Outputs, output_options
from deepz_zoo.cli.options import (
    EngineOptions,
    engine_options,
    model_options,
    show_progress,
    weights_option,
)


@click.command("benchmark")
@model_options()
@weights_option
@engine_options("torch", "float32", "cpu")
@output_options
def benchmark(
    *,
    model_name: str | None,
    weights: str | None,
    engine_options: EngineOptions,
    outputs: Outputs,
) -> None:
    """Check the accuracy that a model's manifest states.

    It is measured again as it was measured for the manifest. A metric that differs by more than 2 %
    is a failed check.
    """
    from deepz_zoo.cards.plots import plot_accuracy
    from deepz_zoo.evaluation.reproduction import check_agreement, repeat_benchmark
    from deepz_zoo.models import load_model

    model, manifest = load_model(model_name, weights=weights)
    model = engine_options.apply(model, manifest)
    with show_progress() as progress:
        accuracy = repeat_benchmark(model, manifest, progress)
    print_accuracy(accuracy)
    outputs.write(accuracy, plot_accuracy)
    assert manifest.accuracy is not None
    largest = check_agreement(manifest.accuracy, accuracy)
    click.echo(f"The metrics are those of the manifest, to {largest:.2%}.")
