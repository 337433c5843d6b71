from __future__ import annotations

import copy

import numpy as np
import onnxruntime
import pytest
import torch

from deepz_zoo.engines.difference import probe
from deepz_zoo.errors import CheckFailed, DeepZError
from deepz_zoo.package.contents import export
from deepz_zoo.package.contents.export import EXPORT_FORMATS, SHAPES, SUFFIXES, export_model

pytestmark = pytest.mark.filterwarnings("ignore:.torch.jit:DeprecationWarning")


@pytest.mark.parametrize("file_format", EXPORT_FORMATS)
def test_file_equals_the_model(model, tmp_path, file_format):
    path = tmp_path / f"model{SUFFIXES[file_format]}"
    exported = export_model(model, file_format, path)
    assert list(tmp_path.iterdir()) == [path]
    assert exported.size_bytes == path.stat().st_size
    assert [entry.shape for entry in exported.differences] == list(SHAPES)
    assert exported.worst.difference.relative < 1e-5


def test_onnx_file_runs_by_itself(model, tmp_path):
    export_model(model, "onnx", tmp_path / "model.onnx")
    session = onnxruntime.InferenceSession(tmp_path / "model.onnx")
    tensor = probe((3, 31, 50))
    (output,) = session.run(None, {"input": tensor})
    with torch.no_grad():
        expected = model(torch.from_numpy(tensor)).numpy()
    np.testing.assert_allclose(output, expected, rtol=1e-4, atol=1e-2)


@pytest.mark.parametrize("file_format", EXPORT_FORMATS)
@pytest.mark.parametrize("fault", [1e-3, float("nan")])
def test_file_that_differs_is_removed(model, tmp_path, monkeypatch, file_format, fault):
    name = f"export_{file_format}"
    write = getattr(export, name)

    def export_other(original, path):
        other = copy.deepcopy(original)
        other.generator.last.bias.data += fault
        write(other, path)

    monkeypatch.setattr(export, name, export_other)
    monkeypatch.setattr(export, "MAX_RELATIVE", 1e-6)
    with pytest.raises(CheckFailed, match="was not written") as error:
        export_model(model, file_format, tmp_path / "model.file")
    assert "px" in str(error.value)
    assert list(tmp_path.iterdir()) == []


def test_existing_file_is_kept(model, tmp_path):
    path = tmp_path / "model.onnx"
    path.write_text("mine")
    with pytest.raises(DeepZError, match="set `overwrite`"):
        export_model(model, "onnx", path)
    assert path.read_text() == "mine"
