"""``deepz-zoo evaluate stack``: the accuracy of a model on an acquired z-stack."""

from __future__ import annotations

from pathlib import Path

import click

from deepz_zoo.cli.accuracy_tables import print_stack_accuracy
from deepz_zoo.cli.evaluate.output import Outputs, output_options
from deepz_zoo.cli.image_options import stack_options
from deepz_zoo.cli.options import (
    EngineOptions,
    engine_options,
    model_and_file_arguments,
    model_options,
    weights_option,
)


@click.command("stack")
@model_and_file_arguments("path", "STACK.tif")
@model_options(argument=False)
@weights_option
@stack_options
@click.option("--beads", is_flag=True, help="Measure the spots as beads: peak, FWHM and flux.")
@engine_options("torch", "float32", "cpu")
@output_options
def stack(
    *,
    path: str,
    model_name: str | None,
    weights: str | None,
    pixel_size_um: float | None,
    z_step_um: float | None,
    reverse: bool,
    beads: bool,
    engine_options: EngineOptions,
    outputs: Outputs,
) -> None:
    """Measure on an acquired z-stack (increasing stage z).

    Its in-focus plane and defocused ones are refocused to the other planes, and compared with what
    the microscope recorded there.
    """
    from deepz_zoo.cards.plots import plot_stack_accuracy
    from deepz_zoo.evaluation.measured import evaluate_stack_file
    from deepz_zoo.models import load_model

    model, manifest = load_model(model_name, weights=weights)
    model = engine_options.apply(model, manifest)
    accuracy = evaluate_stack_file(
        model,
        Path(path),
        manifest.system,
        pixel_size_um=pixel_size_um,
        z_step_um=z_step_um,
        reverse=reverse,
        beads=beads,
    )
    print_stack_accuracy(accuracy, Path(path).name)
    outputs.write(accuracy, plot_stack_accuracy)
