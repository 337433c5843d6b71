"""Models on the stacks of each other's systems, with models whose figures are known."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from deepz_zoo.cards.index import index_text
from deepz_zoo.evaluation.cross_model import INPUT, Candidate, CrossModel, compare_models
from deepz_zoo.optics import ImagingSystem, get_system
from deepz_zoo.zoo import load_model

COARSE = get_system("leica20x_0.8/TxRd").model_copy(
    update={"z_range_um": 2.0, "specimens": ("beads", "texture")}
)
FINE = get_system("leica20x_0.8/FITC").model_copy(
    update={"z_range_um": 1.0, "z_step_um": 0.25, "pixel_size_um": 0.1625, "specimens": ("beads",)}
)


class Identity(nn.Module):
    """Returns the camera image whatever the DPM says; remembers what it saw."""

    def __init__(self) -> None:
        super().__init__()
        self.seen: list[tuple[tuple[int, ...], float]] = []

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        self.seen.append((tuple(x.shape[2:]), round(float(x[0, 1].mean()), 4)))
        return x[:, :1]


@pytest.fixture(scope="module")
def models() -> dict[str, Identity]:
    return {"coarse": Identity(), "fine": Identity()}


@pytest.fixture(scope="module")
def matrix(models: dict[str, Identity]) -> CrossModel:
    narrow: ImagingSystem = FINE.model_copy(update={"z_range_um": 0.5})
    candidates = [Candidate(models["coarse"], COARSE), Candidate(models["fine"], narrow)]
    return compare_models(candidates, [COARSE, FINE], shape_px=(48, 48))


def test_every_model_meets_every_system(matrix: CrossModel) -> None:
    assert matrix.models == (COARSE.name, FINE.name, INPUT)
    assert matrix.systems == (COARSE.name, FINE.name)
    assert [cell.dz_um for cell in matrix.cells] == 3 * [1.0] + 3 * [0.5]
    assert matrix.cell(COARSE.name, COARSE.name).images == 2 * 2, "specimens and directions"


def test_a_model_sees_images_at_its_own_pixel_size(
    matrix: CrossModel, models: dict[str, Identity]
) -> None:
    assert models["coarse"].seen == [
        *2 * [((48, 48), -1.0), ((48, 48), 1.0)], ((24, 24), -0.5), ((24, 24), 0.5),
    ]  # fmt: skip


def test_a_model_of_the_same_sampling_that_does_nothing_is_its_input(matrix: CrossModel) -> None:
    for model, system in ((COARSE.name, COARSE.name), (FINE.name, FINE.name)):
        ours, own = matrix.cell(model, system), matrix.cell(INPUT, system)
        assert ours.correlation == own.correlation is not None
        assert ours.error_over_rms == own.error_over_rms is not None
    # And resampled to half the pixels and back, nearly.
    resampled = matrix.cell(COARSE.name, FINE.name).correlation
    assert resampled == pytest.approx(matrix.cell(INPUT, FINE.name).correlation, abs=0.1)


def test_beyond_the_range_of_a_model_there_is_no_figure(
    matrix: CrossModel, models: dict[str, Identity]
) -> None:
    assert matrix.cell(FINE.name, COARSE.name).correlation is None
    assert {abs(dz) for _, dz in models["fine"].seen} == {0.5}


def test_the_page_holds_the_models_and_the_matrix(matrix: CrossModel, run, accuracy) -> None:
    manifest = load_model(run)[1].model_copy(update={"accuracy": accuracy})
    lines = index_text((manifest,), matrix).splitlines()
    assert "| [leica20x_0.8/TxRd](leica20x_0.8_TxRd.md) | custom | ±10 µm | 0.88 | 0.88 |" in lines
    assert "| model \\ stacks of | leica20x_0.8/TxRd, 1 µm | leica20x_0.8/FITC, 0.5 µm |" in lines
    (row,) = (line for line in lines if line.startswith("| leica20x_0.8/FITC |"))
    own = matrix.cell(FINE.name, FINE.name)
    assert row.split(" | ")[1] == "–"
    assert f"{own.correlation:.2f} / {own.error_over_rms:.2f}" in row
    (row,) = (line for line in lines if line.startswith(f"| {COARSE.name} |"))
    assert row.split(" | ")[1].startswith("**")
