"""The summary of a preparation: counts and warnings."""

from __future__ import annotations

import pytest

from deepz_zoo.preprocess.dataset.plan import StackFile
from deepz_zoo.preprocess.dataset.prepare import prepare_dataset
from deepz_zoo.preprocess.dataset.storage import PreparedDataset
from deepz_zoo.preprocess.dataset.summary import summarize
from deepz_zoo.records.dataset import PreparationSettings, Rejection
from tests.builders import spotted_stack


@pytest.fixture(scope="module")
def prepared(tmp_path_factory, write_stack, system) -> PreparedDataset:
    folder = tmp_path_factory.mktemp("data")
    files = [
        StackFile(
            write_stack(folder / f"{seed}.ome.tif", spotted_stack(seed)),
            role="training" if seed < 2 else "test",
        )
        for seed in range(3)
    ]
    settings = PreparationSettings(align="none", region_px=32, planes_each_side=2, targets=2)
    return prepare_dataset(files, folder / "spots", system, settings)


def test_counts_are_those_of_the_regions(prepared: PreparedDataset) -> None:
    summary = summarize(prepared)
    assert summary.dataset == str(prepared.path)
    assert summary.pairs == prepared.manifest.pair_counts
    assert sum(summary.regions.values()) == len(prepared.regions)
    assert summary.fields["test"] == 1
    assert summary.clipped == sum(region.clipped for region in prepared.regions)


def test_reasons_are_counted_without_the_numbers_of_a_region(prepared: PreparedDataset) -> None:
    manifest = prepared.manifest
    lost = [
        Rejection(field_of_view=0, reason=f"no contrast: the brightest spot is {ratio} times")
        for ratio in (1.1, 1.3)
    ]
    field = manifest.fields[0].model_copy(update={"rejected_planes": (0, 4)})
    changed = manifest.model_copy(
        update={"rejected": tuple(lost), "fields": (field, *manifest.fields[1:])}
    )
    summary = summarize(PreparedDataset(prepared.path, changed))
    assert summary.left_out == {"no contrast": 2}
    assert summary.rejected_planes == {"field 0": (1, 5)}


@pytest.mark.parametrize(
    ("counts", "warning"),
    [
        ({"training": 0, "validation": 0, "test": 4}, "no pairs for training"),
        ({"training": 4, "validation": 0, "test": 0}, "a smaller `region_px`"),
    ],
)
def test_missing_pairs_are_a_warning(prepared: PreparedDataset, counts, warning: str) -> None:
    changed = prepared.manifest.model_copy(update={"pair_counts": counts})
    warnings = summarize(PreparedDataset(prepared.path, changed)).warnings
    assert warning in warnings[0]


def test_another_range_than_that_of_the_objective_is_a_warning(prepared: PreparedDataset) -> None:
    """Two planes of 0.5 µm on each side, of the 10 µm of the objective."""
    assert (
        summarize(prepared)
        .warnings[-1]
        .endswith(
            "extend 1 µm above and below their middle plane, but the range of leica20x_0.8/TxRd is "
            "10 µm (`planes_each_side` 20)"
        )
    )
    whole = prepared.manifest.parameters.model_copy(update={"planes_each_side": 20})
    changed = prepared.manifest.model_copy(update={"parameters": whole})
    assert not any(
        "range" in warning
        for warning in summarize(PreparedDataset(prepared.path, changed)).warnings
    )
