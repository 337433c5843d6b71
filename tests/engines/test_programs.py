"""Engines are found in a folder, and one that fails says so in a line."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

from deepz_zoo.engines import programs as engines
from deepz_zoo.engines.programs import EngineError, engines_in, own_engines
from deepz_zoo.errors import DeepZError
from deepz_zoo.package.contents.export import probe

TENSORS = [probe((1, 16, 20)), probe((2, 33, 17))]


def torch_folder(folder: Path, command: str) -> Path:
    """Make a folder of engines with an old torch whose Python is a shell command."""
    python = folder / "torch-1.2.3" / "bin" / "python"
    python.parent.mkdir(parents=True)
    python.write_text(f"#!/bin/sh\n{command}\n")
    python.chmod(0o755)
    return folder


def expected(model) -> list[np.ndarray]:
    with torch.no_grad():
        return [model(torch.from_numpy(tensor)).numpy() for tensor in TENSORS]


@pytest.mark.filterwarnings("ignore:.torch.jit:DeprecationWarning")
def test_own_engines_run_the_files(model, unpacked):
    for engine in own_engines():
        name = {"onnx": "weights.onnx", "torchscript": "weights_torchscript.pt"}
        outputs = engine.run(unpacked / name[engine.weight_format], TENSORS)
        for output, truth in zip(outputs, expected(model), strict=True):
            np.testing.assert_allclose(output, truth, atol=1e-5 * truth.max())


def test_own_versions_do_not_name_the_build():
    assert {str(engine).partition(" ")[0] for engine in own_engines()} == {"torch", "onnxruntime"}
    assert all("+" not in engine.version for engine in own_engines())


@pytest.mark.skipif(os.name == "nt", reason="needs a shell script as a program")
def test_python_of_another_environment_runs_torchscript(model, unpacked, tmp_path):
    (engine,) = engines_in(torch_folder(tmp_path, f'exec "{sys.executable}" "$@"'))
    assert (str(engine), engine.weight_format) == ("torch 1.2.3", "torchscript")
    outputs = engine.run(unpacked / "weights_torchscript.pt", TENSORS)
    for output, truth in zip(outputs, expected(model), strict=True):
        np.testing.assert_allclose(output, truth, atol=1e-5 * truth.max())


@pytest.mark.skipif(os.name == "nt", reason="needs a shell script as a program")
def test_engine_that_cannot_load_the_file(tmp_path):
    failing = "echo Traceback >&2; echo RuntimeError: no such version >&2; exit 1"
    (engine,) = engines_in(torch_folder(tmp_path, failing))
    with pytest.raises(EngineError) as error:
        engine.run(tmp_path / "weights.pt", TENSORS)
    assert str(error.value) == "torch-1.2.3 cannot run weights.pt: RuntimeError: no such version"


def test_folder_without_engines(tmp_path):
    (tmp_path / "torch-1.13.1").mkdir()  # without an environment in it
    (tmp_path / "onnxruntime-node-1.13.1").mkdir()
    with pytest.raises(DeepZError, match=r"holds no engines; expected .*install_engines\.sh"):
        engines_in(tmp_path)


def test_missing_node_is_named(tmp_path, monkeypatch):
    (tmp_path / "onnxruntime-node-1.13.1/node_modules/onnxruntime-node").mkdir(parents=True)
    monkeypatch.setattr(engines.shutil, "which", lambda name: None)
    with pytest.raises(DeepZError, match=r"needs Node\.js"):
        engines_in(tmp_path)
