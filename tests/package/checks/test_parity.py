from __future__ import annotations

import json
import math

import numpy as np
import pytest

from deepz_zoo.engines.engine import EngineError, Runtime
from deepz_zoo.errors import CheckFailed, DeepZError
from deepz_zoo.package.checks import parity as parity_report
from deepz_zoo.package.checks.parity import (
    ParityReport,
    bound,
    exceeded,
    parity,
    parity_shapes,
    read_parity,
    refuse_disparity,
)
from deepz_zoo.package.contents.description import FILES
from tests.builders import FunctionEngine

SHAPES = ((1, 16, 16), (3, 20, 33))


def first_channel(tensor: np.ndarray) -> np.ndarray:
    return tensor[:, :1]


@pytest.fixture
def measure(monkeypatch, tmp_path):
    """Return a function that measures an engine whose outputs are off by a fraction."""

    def run(fraction: float, version: str = "1.0", shape=None) -> ParityReport:
        def off(tensor: np.ndarray) -> np.ndarray:
            right = first_channel(tensor)
            return right[..., :shape] + fraction * right.max()

        engine = FunctionEngine(off, f"onnxruntime {version}", "onnx")
        runtime = Runtime("onnxruntime", version, "onnx", lambda weights: engine)
        monkeypatch.setattr(parity_report, "installed_runtimes", lambda: (runtime,))
        reference = FunctionEngine(first_channel, "torch 1.0", "pytorch_state_dict")
        return parity(reference, {"onnx": tmp_path / "weights.onnx"}, SHAPES)

    return run


def test_difference_is_measured_for_each_size(measure):
    report = measure(3e-4)
    assert report.shapes == SHAPES
    for row in report.rows:
        assert row.relative == pytest.approx(3e-4, rel=0.05)
        assert row.absolute == pytest.approx(row.relative * row.largest_value, rel=1e-3)


def test_engine_that_returns_another_size(measure):
    with pytest.raises(EngineError, match=r"onnxruntime 1\.0 returns .* for 16×16 px"):
        measure(0, shape=10)


@pytest.mark.parametrize(
    ("difference", "expected"),
    [(0, 1e-5), (3e-7, 1e-5), (1e-5, 1e-5), (1.1e-5, 1e-4), (0.02, 0.1), (1, 1), (7, 10)],
)
def test_bounds_are_powers_of_ten(difference, expected):
    assert bound(difference) == expected


def test_what_cannot_be_compared_has_no_bound():
    assert bound(math.nan) == bound(math.inf) == math.inf


def test_rounding_errors_of_other_processors_give_the_same_report(measure):
    one, two = (measure(fraction).bounded() for fraction in (1e-7, 4e-6))
    assert one.to_json() == two.to_json()
    assert one.to_markdown() == two.to_markdown()
    assert {row.relative for row in one.rows} == {1e-5}


def test_bounds_hold(measure):
    found = measure(2e-3)
    for row, limit in zip(found.rows, found.bounded().rows, strict=True):
        assert row.relative <= limit.relative == 1e-2
        assert row.absolute <= limit.absolute


def test_what_was_stated_is_compared_whatever_the_engine(measure):
    stated = measure(1e-6).bounded()
    assert exceeded(stated, measure(9e-6, "2.0")) == ()
    phrases = exceeded(stated, measure(2e-3, "2.0"))
    assert len(phrases) == 2
    assert phrases[0].startswith("onnx run by onnxruntime 2.0 at 16×16 px differs by 2.0e-03")
    assert len(exceeded(stated, measure(math.nan))) == 2


@pytest.mark.parametrize("share", [0.05, math.nan])
def test_formats_that_disagree_are_refused(measure, share):
    refuse_disparity(measure(4e-3).bounded())
    with pytest.raises(CheckFailed, match="onnx run by onnxruntime 1.0 differs"):
        refuse_disparity(measure(share).bounded())


def test_table_has_a_row_for_each_engine_and_a_column_for_each_size(measure):
    head, _, row = measure(1e-7).bounded().to_markdown().splitlines()
    assert head == "| weights | run by | 16×16 | 3 × 20×33 | grey levels |"
    assert row.startswith("| onnx | onnxruntime 1.0 | ≤ 1e-05 | ≤ 1e-05 | ≤ 0.0")


def test_sizes_shrink_for_networks_that_take_long():
    small, wide, stack = (
        parity_shapes(*cost) for cost in ((1_100_000, 1), (17_400_000, 1), (1_100_000, 21))
    )
    assert small[-1] == (1, 1024, 1024)
    assert (wide[-1], stack[-1]) == ((1, 256, 256), (1, 128, 128))
    assert small[:-1] == wide[:-1]
    assert {(1, 16, 16), (1, 17, 17), (1, 100, 333)} < set(small)
    assert any(batch == 3 for batch, *_ in small)


def test_package_holds_the_report(unpacked):
    report = read_parity(unpacked / FILES.parity)
    assert {(row.weight_format, row.engine.split()[0]) for row in report.rows} == {
        ("torchscript", "torch"),
        ("onnx", "onnxruntime"),
    }
    assert report.shapes[-1] == (1, 1024, 1024)
    assert {row.relative for row in report.rows} == {1e-5}
    readme = (unpacked / FILES.readme).read_text(encoding="utf-8")
    assert report.to_markdown() in readme


BROKEN = [
    (lambda content: content.pop("rows"), "rows: "),
    (lambda content: content["rows"][0].update(shape=[1, 10**6, 10**6]), "rows.0.shape.1: "),
    (lambda content: content["rows"][0].update(weight_format="keras"), "rows.0.weight_format: "),
    (lambda content: content.update(rows=content["rows"] * 200), "rows: "),
]


@pytest.mark.parametrize(("change", "place"), BROKEN)
def test_report_of_a_stranger_is_looked_at(unpacked, tmp_path, change, place):
    content = json.loads((unpacked / FILES.parity).read_text(encoding="utf-8"))
    change(content)
    path = tmp_path / "parity.json"
    path.write_text(json.dumps(content), encoding="utf-8")
    with pytest.raises(DeepZError, match=rf"^parity\.json\.{place}") as error:
        read_parity(path)
    assert "\n" not in str(error.value)


def test_text_that_is_no_report(tmp_path):
    path = tmp_path / "parity.json"
    path.write_text("[" * 2_000_000)
    with pytest.raises(DeepZError, match=r"^parity\.json: "):
        read_parity(path)
