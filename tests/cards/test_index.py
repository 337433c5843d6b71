"""The page of the cards."""

from __future__ import annotations

import pytest

from deepz_zoo.cards.index import index_text
from deepz_zoo.records.accuracy import Accuracy
from deepz_zoo.records.cross_model import INPUT, CrossCell, CrossModel
from deepz_zoo.records.manifest import Manifest

COARSE, FINE = "leica20x_0.8/TxRd", "leica20x_0.8/FITC"


def cell(model: str, system: str, correlation: float | None) -> CrossCell:
    return CrossCell(
        model=model,
        system=system,
        dz_um=1.0 if system == COARSE else 0.5,
        images=4,
        correlation=correlation,
        error_over_rms=None if correlation is None else 1 - correlation,
    )


MATRIX = CrossModel(
    version=1,
    code_version="0.1.0",
    seeds=(1_700_000,),
    cells=(
        cell(COARSE, COARSE, 0.75),
        cell(FINE, COARSE, None),
        cell(INPUT, COARSE, 0.5),
        cell(COARSE, FINE, 0.25),
        cell(FINE, FINE, 0.625),
        cell(INPUT, FINE, 0.5),
    ),
)


@pytest.fixture
def lines(manifest: Manifest, accuracy: Accuracy) -> list[str]:
    measured = manifest.model_copy(update={"accuracy": accuracy})
    return index_text((measured,), MATRIX).splitlines()


def test_the_page_lists_the_models(lines: list[str]) -> None:
    assert "| [leica20x_0.8/TxRd](leica20x_0.8_TxRd.md) | custom | ±10 µm | 0.88 | 0.88 |" in lines


def test_the_page_holds_the_matrix_with_the_best_of_each_column(lines: list[str]) -> None:
    assert "| model \\ stacks of | leica20x_0.8/TxRd, 1 µm | leica20x_0.8/FITC, 0.5 µm |" in lines
    assert "| leica20x_0.8/TxRd | **0.75 / 0.25** | 0.25 / 0.75 |" in lines
    assert "| leica20x_0.8/FITC | – | **0.62 / 0.38** |" in lines
    assert "| input as it is | 0.50 / 0.50 | 0.50 / 0.50 |" in lines
