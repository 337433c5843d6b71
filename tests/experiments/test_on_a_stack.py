"""Experiments with models that are perfect, perfect within their range, or do nothing."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import numpy as np
import pytest

from deepz_zoo.experiments import conditions, difference
from deepz_zoo.experiments.catalogue import EXPERIMENTS, get_experiment
from deepz_zoo.experiments.conditions import ConditionResult
from deepz_zoo.experiments.difference import DifferenceResult
from deepz_zoo.experiments.metrics import METRICS, MetricsResult
from deepz_zoo.experiments.outputs import output_paths, write_report
from deepz_zoo.experiments.planes import Planes
from deepz_zoo.experiments.range import RangeResult
from deepz_zoo.experiments.run import run_experiment
from deepz_zoo.records.manifest import Manifest
from tests.builders import BEAD, SYSTEM
from tests.evaluation.stand_ins import Identity
from tests.experiments.stand_ins import PLANES, STACK, Perfect, subject

ON_A_STACK = ("range", "metrics", "difference", "surface-to-surface")


@pytest.mark.parametrize("name", ON_A_STACK)
def test_a_perfect_model_makes_no_error(name: str) -> None:
    for row in get_experiment(name).run(subject(Perfect())).rows():
        metrics = row.model  # type: ignore[attr-defined]
        assert (metrics.correlation, metrics.ssim) == pytest.approx((1, 1))
        assert (metrics.mse, metrics.mae) == (0, 0)


@pytest.mark.parametrize("name", ON_A_STACK)
def test_a_model_that_does_nothing_is_as_good_as_its_input(name: str) -> None:
    for row in get_experiment(name).run(subject(Identity())).rows():
        assert row.model == row.input  # type: ignore[attr-defined]


def test_the_range_ends_where_a_model_starts_to_do_nothing() -> None:
    result = get_experiment("range").run(subject(Perfect(half_range_um=10), quick=False))
    assert isinstance(result, RangeResult)
    distances = [point.value for point in result.rows()]
    assert distances == [float(dz) for dz in range(-20, 21)]
    low, high = (float(finding.ours) for finding in result.findings())
    assert -11 <= low <= -10
    assert 10 <= high <= 11


def test_a_model_that_works_everywhere_has_no_end_of_its_range() -> None:
    findings = get_experiment("range").run(subject(Perfect())).findings()
    assert [finding.ours for finding in findings] == ["not down to -20", "not up to 20"]


def test_metrics_of_every_plane_against_z() -> None:
    result = get_experiment("metrics").run(subject(Identity(), quick=False))
    assert isinstance(result, MetricsResult)
    assert [point.value for point in result.points] == pytest.approx(PLANES.z_um)
    # Eqs. (10) to (12) as the paper writes them, for the first plane
    point = result.points[0]
    out, truth = (PLANES.normalized(image) for image in (PLANES.camera[20], PLANES.ground_truth[0]))
    error = out - truth
    assert point.model.mse == pytest.approx((error**2).mean(), rel=1e-4)
    assert point.model.mae == pytest.approx(np.abs(error).mean(), rel=1e-4)
    correlation = np.corrcoef(out.ravel(), truth.ravel())[0, 1]
    assert point.model.correlation == pytest.approx(correlation, rel=1e-4)
    assert len(result.findings()) == len(METRICS)


def test_difference_images_of_a_perfect_model_are_black() -> None:
    result = get_experiment("difference").run(subject(Perfect()))
    assert isinstance(result, DifferenceResult)
    assert [row.dz_um for row in result.targets] == [-8, -4, 4, 8]
    given, refocused, truth = np.moveaxis(result.images, 1, 0)
    assert np.array_equal(refocused, truth)
    assert not np.allclose(given, truth)


@pytest.mark.parametrize("name", ["exposure", "density"])
def test_conditions_at_three_distances(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    values = (100.0, 1000.0, 28_000.0) if name == "exposure" else (1.0, 3.0, 30.0)

    class Stacks:
        def __init__(self, *_: object) -> None:
            pass

        def references(self, _: str) -> list[tuple[float, object]]:
            return [(value, STACK) for value in values]

    monkeypatch.setattr(conditions, "ConditionStacks", Stacks)
    result = get_experiment(name).run(subject(Perfect(half_range_um=5)))
    assert isinstance(result, ConditionResult)
    assert [each.distance_um for each in result.curves] == [2, 5, 10]
    assert [row.value for row in result.rows()] == list(values) * 3
    assert [row.model.correlation for row in result.rows()[:6]] == pytest.approx([1] * 6)
    assert all(row.model == row.input for row in result.rows()[6:])
    assert len(result.findings()) == 3


def test_an_acquired_stack_has_the_pixels_of_the_model_and_z_from_its_focus() -> None:
    planes = Planes.acquired(BEAD, SYSTEM)
    assert planes.pixel_size_um == SYSTEM.pixel_size_um
    assert planes.camera.shape == (25, 45, 45)  # of 112 px of 0.13 µm
    assert planes.step_um == pytest.approx(0.3)
    focus = planes.nearest(0)
    assert planes.z_um[focus] == 0
    assert planes.camera[focus].std() == planes.camera.std(axis=(1, 2)).max()


@pytest.mark.parametrize("name", ON_A_STACK)
def test_all_files_are_written(
    name: str, manifest: Manifest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(difference, "TARGETS", (0.4,))  # drawing takes seconds
    experiment = get_experiment(name)
    report = run_experiment(experiment, subject(Perfect()), manifest)
    write_report(tmp_path / "out", experiment, report)
    record, table, png, svg = output_paths(tmp_path / "out", name)
    data = json.loads(record.read_text("utf-8"))
    assert data["experiment"] == name
    assert "images" not in data["result"]
    with table.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == len(report.result.rows())
    assert float(rows[0]["model_correlation"]) == pytest.approx(1)
    assert png.read_bytes().startswith(b"\x89PNG")
    assert "<svg" in svg.read_text("utf-8")
    assert {path.name for path in (tmp_path / "out").iterdir()} == {
        path.name for path in (record, table, png, svg)
    }


@pytest.mark.parametrize("experiment", EXPERIMENTS, ids=lambda experiment: experiment.name)
def test_every_experiment_names_its_panel_and_has_both_functions(experiment: object) -> None:
    module = experiment._module  # type: ignore[attr-defined]
    assert callable(module.run)
    assert callable(module.plot)
    assert experiment.panel  # type: ignore[attr-defined]
