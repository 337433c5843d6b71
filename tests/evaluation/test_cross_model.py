"""Models on the stacks of each other's systems, with models whose metrics are known."""

from __future__ import annotations

import pytest

from deepz_zoo.evaluation.cross_model import Candidate, compare_models
from deepz_zoo.optics import ImagingSystem, get_system
from deepz_zoo.records.cross_model import INPUT, CrossModel
from tests.evaluation.stand_ins import Identity

COARSE = get_system("leica20x_0.8/TxRd").model_copy(
    update={"z_range_um": 2.0, "specimens": ("beads", "texture")}
)
FINE = get_system("leica20x_0.8/FITC").model_copy(
    update={"z_range_um": 1.0, "z_step_um": 0.25, "pixel_size_um": 0.1625, "specimens": ("beads",)}
)


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
    sizes = [tuple(x.shape[2:]) for x in models["coarse"].given]
    assert sizes == [*4 * [(48, 48)], *2 * [(24, 24)]]
    assert models["coarse"].distances == [-1, 1, -1, 1, -0.5, 0.5]


def test_a_model_of_the_same_sampling_that_does_nothing_is_its_input(matrix: CrossModel) -> None:
    for model, system in ((COARSE.name, COARSE.name), (FINE.name, FINE.name)):
        ours, own = matrix.cell(model, system), matrix.cell(INPUT, system)
        assert ours.correlation == own.correlation is not None
        assert ours.error_over_rms == own.error_over_rms is not None
    # And resampled to half the pixels and back, nearly.
    resampled = matrix.cell(COARSE.name, FINE.name).correlation
    assert resampled == pytest.approx(matrix.cell(INPUT, FINE.name).correlation, abs=0.1)


def test_beyond_the_range_of_a_model_there_is_no_metric(
    matrix: CrossModel, models: dict[str, Identity]
) -> None:
    assert matrix.cell(FINE.name, COARSE.name).correlation is None
    assert {abs(dz) for dz in models["fine"].distances} == {0.5}
