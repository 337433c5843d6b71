"""Run every embedded model on every system's stacks and write ``model_cards/README.md``.

For maintainers, after models were embedded: ``python packaging/write_card_index.py``. The figures
are kept beside it as ``cross_model.json``.
"""

from __future__ import annotations

from pathlib import Path

import click

from deepz_zoo.cards.index import index_text
from deepz_zoo.cli.options import progress_bar
from deepz_zoo.evaluation.cross_model import Candidate, compare_models
from deepz_zoo.files import replacing
from deepz_zoo.optics import list_systems
from deepz_zoo.zoo import list_models, load_model

CARDS = Path(__file__).parents[1] / "model_cards"


@click.command()
@click.option("--seeds", type=click.IntRange(1), default=1, show_default=True)
@click.option(
    "--folder",
    type=click.Path(file_okay=False, exists=True, path_type=Path),
    default=CARDS,
    help="Where to write, by default the cards' own folder.",
)
def write(seeds: int, folder: Path) -> None:
    """Compare the embedded models on held-out stacks of every system of the catalogue."""
    manifests = list_models()
    candidates = [Candidate(load_model(m.name)[0], m.system) for m in manifests]
    with progress_bar() as bar:
        task = bar.add_task("simulated stacks", total=None)
        matrix = compare_models(
            candidates,
            list_systems(),
            seeds=seeds,
            progress=lambda done, total: bar.update(task, completed=done, total=total),
        )
    for name, text in (
        ("cross_model.json", matrix.model_dump_json(indent=1) + "\n"),
        ("README.md", index_text(manifests, matrix)),
    ):
        with replacing(folder / name) as temporary:
            temporary.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    write()
