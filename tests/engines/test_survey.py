from __future__ import annotations

import pytest
import torch

from deepz_zoo.engines import survey
from deepz_zoo.engines.survey import choices_of, survey_engines, time_engines, time_in_turns

CPU = torch.device("cpu")


def test_a_missing_engine_is_named_without_a_version(monkeypatch):
    monkeypatch.setattr(survey, "has_openvino", lambda: False)
    states = {state.engine: state for state in survey_engines(CPU)}
    assert set(states) == {"torch", "openvino", "onnxruntime"}
    assert (states["openvino"].version, states["openvino"].precisions) == (None, ())
    assert states["onnxruntime"].precisions == ("float32",)
    assert states["torch"].precisions[0] == "float32"


def test_all_installed_engines_are_timed_and_compared(model, tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    states = survey_engines(CPU)
    turns: list[tuple[str, int, int]] = []
    timings = time_engines(
        model, choices_of(states), 64, repeats=2, progress=lambda *turn: turns.append(turn)
    )
    expected = [(state.engine, each) for state in states for each in state.precisions]
    assert [(t.choice.engine, t.choice.precision) for t in timings] == expected
    assert all(0 < t.fastest_s <= t.seconds <= t.slowest_s for t in timings)
    assert all(t.difference <= 1e-4 for t in timings if t.choice.precision == "float32")
    assert turns[-1] == ("Timing", 2, 2)


def test_runs_take_turns():
    order: list[str] = []
    runs = [lambda: order.append("a"), lambda: order.append("b")]
    seconds = time_in_turns(runs, 3)
    assert order == ["a", "b"] * 3
    assert [len(times) for times in seconds] == [3, 3]
    assert time_in_turns([], 1) == pytest.approx([])
