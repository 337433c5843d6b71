"""``engines``, and the options of the commands that run networks."""

from __future__ import annotations

import json

import numpy as np
import pytest

from deepz_zoo.engines import choice as choices
from deepz_zoo.images import Image, read_image, write_image


@pytest.fixture(autouse=True)
def own_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


def test_it_names_the_engines_and_what_auto_takes(run_cli):
    code, out, err = run_cli("engines")
    assert (code, err) == (0, "")
    for word in ("torch", "openvino", "onnxruntime", "float32"):
        assert word in out
    assert "auto takes, with leica20x_0.8/TxRd" in out
    assert "median" not in out


def test_it_times_them(run_cli, run):
    words = ("engines", "--weights", run, "--benchmark", "--side", "32", "--repeats", "1")
    code, out, err = run_cli(*words)
    assert (code, err) == (0, "")
    assert "One plane of 32 × 32 px" in out
    found = json.loads(run_cli(*words, "--json")[1])
    assert {timing["engine"] for timing in found["timings"]} == {
        state["engine"] for state in found["engines"] if state["version"]
    }
    assert set(found["auto"]) == {"for stacks", "for one small image"}
    assert found["auto"]["for one small image"]["reason"]


def test_a_missing_engine_says_what_to_do(run_cli, monkeypatch):
    monkeypatch.setattr("deepz_zoo.engines.survey.has_openvino", lambda: False)
    monkeypatch.setattr(choices, "has_openvino", lambda: False)
    assert "not installed: pip install openvino" in run_cli("engines")[1]


@pytest.fixture
def picture(tmp_path):
    rng = np.random.default_rng(4)
    data = rng.normal(100, 3, (40, 50)).round()
    data[::7, ::9] += 2000
    write_image(tmp_path / "in.tif", Image(data.astype(np.uint16), "yx", 0.325))
    return tmp_path / "in.tif"


def test_refocus_by_each_engine_is_the_same(run_cli, run, picture, tmp_path):
    planes = []
    for engine in ("torch", "onnxruntime"):
        path = tmp_path / f"{engine}.tif"
        words = (
            "refocus",
            picture,
            "-o",
            path,
            "--weights",
            run,
            "--z",
            "-2,3",
            "--engine",
            engine,
        )
        assert run_cli(*words)[::2] == (0, "")
        planes.append(read_image(path).data)
    assert np.abs(planes[0] - planes[1]).max() <= 1e-4 * np.ptp(planes[0])
    assert b"ONNX Runtime 1." in path.read_bytes()  # the file says what computed it
    assert b", float32" in path.read_bytes()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (
            ("--engine", "onnxruntime", "--precision", "bfloat16"),
            "ONNX Runtime does not compute in bfloat16 on this processor; expected float32 as "
            "--precision, or torch as --engine",
        ),
        (("--engine", "openvino", "--device", "meta"), "--device meta cannot be used"),
        (("--engine", "numpy"), "'numpy' is not one of 'auto', 'torch', 'openvino'"),
    ],
)
def test_what_no_engine_does_is_one_line(run_cli, run, picture, tmp_path, options, message):
    words = ("refocus", picture, "-o", tmp_path / "o.tif", "--weights", run, "--z", "1", *options)
    code, _, err = run_cli(*words)
    assert code == 2
    assert message in err
    assert not (tmp_path / "o.tif").exists()


def test_evaluate_runs_torch_in_float32_unless_told(run_cli, run, monkeypatch):
    seen = []

    def evaluate(model, *_, **__):
        seen.append(type(model.generator).__name__)
        raise KeyboardInterrupt

    monkeypatch.setattr("deepz_zoo.evaluation.benchmark.evaluate", evaluate)
    for options in ((), ("--engine", "onnxruntime"), ("--precision", "bfloat16")):
        *_, err = run_cli("evaluate", "--weights", run, "--quick", *options)
        assert ("Computed by " in err) == bool(options)
    assert seen == ["Generator", "OnnxNetwork", "TorchNetwork"]
