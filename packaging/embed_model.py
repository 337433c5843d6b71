"""Evaluate a training run's best checkpoint and make it the zoo's model of its system.

For maintainers: ``python packaging/embed_model.py RUN`` writes the weights and their manifest into
``deepz_zoo/zoo/weights``, from where they ship in the wheel.
"""

from __future__ import annotations

import sys
from pathlib import Path

import click

from deepz_zoo.analysis.benchmark import FIRST_SEED, SEEDS, evaluate
from deepz_zoo.cli.options import console, progress_bar
from deepz_zoo.errors import DeepZError
from deepz_zoo.zoo.store import WEIGHTS_FOLDER, add_model, load_model


@click.command()
@click.argument("run", type=click.Path(exists=True, path_type=Path))
@click.option(
    "--stacks",
    type=click.IntRange(min=1),
    default=len(SEEDS),
    show_default=True,
    help="Held-out stacks per specimen and noise.",
)
@click.option(
    "--folder",
    type=click.Path(file_okay=False, path_type=Path),
    default=WEIGHTS_FOLDER,
    help="Where to write the entry, by default the package's own weights.",
)
def embed(run: Path, stacks: int, folder: Path) -> None:
    """Evaluate the best checkpoint of the training run RUN and embed it with its manifest."""
    try:
        model, manifest = load_model(run)
        model.half().float()  # as they are kept
        with progress_bar() as bar:
            task = bar.add_task(f"evaluating {manifest.name}", total=None)
            accuracy = evaluate(
                model,
                manifest.system,
                seeds=range(FIRST_SEED, FIRST_SEED + stacks),
                progress=lambda done, total: bar.update(task, completed=done, total=total),
            )
        manifest = add_model(run, accuracy, folder=folder)
    except DeepZError as error:
        sys.exit(f"Error: {error}")
    output = console()
    output.print(f"embedded {manifest.name}, SHA-256 {manifest.sha256}", soft_wrap=True)
    for distance in accuracy.distances_um:
        output.print(
            f"|Δz| {distance:g} µm: correlation {accuracy.correlation(dz=distance):.3f}, "
            f"error/rms {accuracy.error_over_rms(dz=distance):.3f} (low noise)"
        )


if __name__ == "__main__":
    embed()
