"""Run every embedded model on every system's stacks and write ``model_cards/README.md``.

For maintainers, after models were embedded: ``python packaging/write_card_index.py``. The metrics
are kept beside it in ``cross_model.json``; ``--keep`` writes the page from that file, without
measuring.
"""

from __future__ import annotations

from pathlib import Path

import click

from deepz_zoo.cards.index import index_text
from deepz_zoo.cli.options import show_progress
from deepz_zoo.evaluation.cross_model import Candidate, compare_models
from deepz_zoo.files import read_record, replacing, write_record
from deepz_zoo.models import load_model
from deepz_zoo.optics import list_systems
from deepz_zoo.records.cross_model import CrossModel
from deepz_zoo.zoo import list_models

CARDS = Path(__file__).parents[1] / "model_cards"


MATRIX_NAME = "cross_model.json"


@click.command()
@click.option("--seeds", type=click.IntRange(1), default=1, show_default=True)
@click.option("--keep", is_flag=True, help=f"Keep {MATRIX_NAME}; write the page alone.")
@click.option(
    "--folder",
    type=click.Path(file_okay=False, exists=True, path_type=Path),
    default=CARDS,
    help="Where to write, by default the cards' own folder.",
)
def write(seeds: int, keep: bool, folder: Path) -> None:
    """Compare the embedded models on held-out stacks of every system of the catalogue."""
    if not keep:
        write_record(folder / MATRIX_NAME, measure(seeds))
    matrix = read_record(folder / MATRIX_NAME, CrossModel)
    with replacing(folder / "README.md") as temporary:
        temporary.write_text(index_text(list_models(), matrix), encoding="utf-8")


def measure(seeds: int) -> CrossModel:
    """Run the embedded models on the stacks of all systems."""
    candidates = [Candidate(load_model(m.name)[0], m.system) for m in list_models()]
    with show_progress() as progress:
        return compare_models(candidates, list_systems(), seeds=seeds, progress=progress)


if __name__ == "__main__":
    write()
