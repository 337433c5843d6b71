"""Engines are found in a folder, and one that fails says so in a line."""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

from deepz_zoo.engines.difference import probe
from deepz_zoo.engines.engine import EngineError
from deepz_zoo.engines.old_programs import runtimes_in
from deepz_zoo.errors import DeepZError

pytestmark = pytest.mark.slow

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


@pytest.mark.skipif(os.name == "nt", reason="needs a shell script as a program")
def test_python_of_another_environment_runs_torchscript(model, unpacked, tmp_path):
    (runtime,) = runtimes_in(torch_folder(tmp_path, f'exec "{sys.executable}" "$@"'))
    assert (str(runtime), runtime.weight_format) == ("torch 1.2.3", "torchscript")
    outputs = runtime.open(unpacked / "weights_torchscript.pt").run(TENSORS)
    for output, right in zip(outputs, expected(model), strict=True):
        np.testing.assert_allclose(output, right, atol=1e-5 * right.max())


@pytest.mark.skipif(os.name == "nt", reason="needs a shell script as a program")
def test_engine_that_cannot_load_the_file(tmp_path):
    failing = "echo Traceback >&2; echo RuntimeError: no such version >&2; exit 1"
    (runtime,) = runtimes_in(torch_folder(tmp_path, failing))
    with pytest.raises(EngineError) as error:
        runtime.open(tmp_path / "weights.pt").run(TENSORS)
    assert str(error.value) == "torch-1.2.3 cannot run weights.pt: RuntimeError: no such version"


def test_folder_without_engines(tmp_path):
    (tmp_path / "torch-1.13.1").mkdir()  # without an environment in it
    (tmp_path / "onnxruntime-node-1.13.1").mkdir()
    with pytest.raises(DeepZError, match=r"holds no engines; expected .*install_engines\.sh"):
        runtimes_in(tmp_path)


def test_missing_node_is_named(tmp_path, monkeypatch):
    (tmp_path / "onnxruntime-node-1.13.1/node_modules/onnxruntime-node").mkdir(parents=True)
    monkeypatch.setattr(shutil, "which", lambda name: None)
    with pytest.raises(DeepZError, match=r"needs Node\.js"):
        runtimes_in(tmp_path)
