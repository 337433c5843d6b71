"""Measure what bfloat16 and float16 cost the zoo's models, and write it into their manifests.

For maintainers: ``python packaging/measure_precisions.py`` measures all of them, or those that are
named. ``--precision auto`` goes by these numbers, and the cards show them: afterwards,
``deepz-zoo card MODEL -o model_cards --overwrite``. Torch computes in both precisions on any
processor, so that the machine makes no difference but in time.
"""

from __future__ import annotations

import sys
from pathlib import Path

import click

from deepz_zoo.cli.options import show_progress
from deepz_zoo.errors import DeepZError
from deepz_zoo.evaluation.benchmark import FIRST_SEED, SEEDS
from deepz_zoo.evaluation.precision import measure_precisions
from deepz_zoo.zoo.store import WEIGHTS_FOLDER, list_models, load_zoo_model, state_precisions


@click.command()
@click.argument("names", nargs=-1, metavar="[OBJECTIVE/CHANNEL]...")
@click.option(
    "--seeds",
    type=click.IntRange(min=1),
    default=len(SEEDS),
    show_default=True,
    help="Held-out stacks per specimen.",
)
@click.option(
    "--folder",
    type=click.Path(file_okay=False, path_type=Path),
    default=WEIGHTS_FOLDER,
    help="The zoo, by default the package's own.",
)
def measure(names: tuple[str, ...], seeds: int, folder: Path) -> None:
    """Measure the models that are named, or all."""
    try:
        for name in names or [manifest.name for manifest in list_models(folder)]:
            model, manifest = load_zoo_model(name, folder)
            with show_progress() as progress:
                costs = measure_precisions(
                    model,
                    manifest.system,
                    seeds=range(FIRST_SEED, FIRST_SEED + seeds),
                    progress=progress,
                )
            state_precisions(manifest, costs, folder=folder)
            for cost in costs:
                click.echo(
                    f"{manifest.name}, {cost.precision}: {cost.correlation_loss:+.5f} of "
                    f"correlation at |Δz| {cost.dz_um:g} µm, {cost.images} images"
                )
    except DeepZError as error:
        sys.exit(f"Error: {error}")


if __name__ == "__main__":
    measure()
