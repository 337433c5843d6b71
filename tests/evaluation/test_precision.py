"""What fewer digits cost a model, and where it is kept."""

from __future__ import annotations

import shutil

import pytest
import torch

from deepz_zoo.evaluation import benchmark
from deepz_zoo.evaluation import precision as precision_module
from deepz_zoo.evaluation.precision import measure_precisions
from deepz_zoo.records.accuracy import MEAN, Accuracy
from deepz_zoo.records.precision import PrecisionCost, cost_of
from deepz_zoo.zoo.store import WEIGHTS_FOLDER, list_models, state_precisions
from tests.builders import SYSTEM, tiny_model


@pytest.fixture
def compared(accuracy: Accuracy) -> Accuracy:
    """Return metrics of a model and of another, whose correlation falls with the distance."""
    model = [row for row in accuracy.images if (row.method, row.noise) == ("model", "low")]
    other = [
        row.model_copy(
            update={
                "method": "other",
                "correlation": row.correlation - abs(row.dz_um) / 4000,
                "error_over_rms": row.error_over_rms + (row.dz_um == 5) * 0.01,
            }
        )
        for row in model
    ]
    return accuracy.model_copy(update={"images": (*model, *other)})


def test_the_cost_is_that_of_the_distance_where_it_is_highest(compared, monkeypatch) -> None:
    seen = []

    def evaluate(model, system, *, other, **options) -> Accuracy:
        name, network = other[0], other[1].generator
        assert name == network.precision
        seen.append((name, options["noise"]))
        return compared

    monkeypatch.setattr(precision_module, "evaluate", evaluate)
    bfloat16, float16 = measure_precisions(tiny_model(), SYSTEM)
    assert seen == [("bfloat16", "low"), ("float16", "low")]
    assert (bfloat16.precision, float16.precision) == ("bfloat16", "float16")
    assert (bfloat16.correlation_loss, bfloat16.dz_um) == (0.0025, 10.0)
    assert bfloat16.error_over_rms_gain == pytest.approx(0.005)  # mean of both directions
    assert not bfloat16.acceptable
    assert bfloat16.images == sum(
        row.images for row in compared.images if (row.method, row.specimen) == ("model", MEAN)
    )


@pytest.mark.slow
def test_a_model_is_measured_in_both_precisions() -> None:
    torch.manual_seed(0)
    settings = benchmark.default_settings(SYSTEM).model_copy(
        update={"shape_px": (64, 64), "inputs_per_distance": 1}
    )
    (cost,) = measure_precisions(
        tiny_model(), SYSTEM, precisions=["bfloat16"], seeds=[1_500_000], settings=settings
    )
    assert abs(cost.correlation_loss) < 0.05
    assert cost.correlation_loss != 0
    assert cost.images > 0


def test_costs_are_kept_in_the_manifest(tmp_path) -> None:
    for path in WEIGHTS_FOLDER.glob("leica20x_0.8_TxRd.*"):
        shutil.copy(path, tmp_path)
    cost = PrecisionCost(
        precision="float16",
        correlation_loss=-0.0001,
        dz_um=2.0,
        error_over_rms_gain=0.0,
        images=8,
        benchmark_version=1,
        code_version="0.1.0",
    )
    (manifest,) = list_models(tmp_path)
    state_precisions(manifest, [cost], folder=tmp_path)
    (found,) = list_models(tmp_path)
    assert found == manifest.model_copy(update={"precisions": (cost,)})
    assert cost_of("float16", found.precisions) == cost
    assert cost_of("float32", found.precisions) is None
    assert cost.acceptable
