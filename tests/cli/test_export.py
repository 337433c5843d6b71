"""``export``: one file, the differences printed, and nothing left when they are too large."""

from __future__ import annotations

import hashlib
import re

import onnx
import pytest

from deepz_zoo.package.contents import export as parity

NAME = "leica20x_0.8/TxRd"

pytestmark = pytest.mark.filterwarnings("ignore:.torch.jit:DeprecationWarning")


@pytest.mark.parametrize("file_format", ["onnx", "torchscript"])
def test_export_of_a_checkpoint(run_cli, run, tmp_path, file_format):
    path = tmp_path / "model.file"
    code, out, err = run_cli("export", NAME, "--weights", run, "--format", file_format, "-o", path)
    assert code == 0, err
    assert hashlib.sha256(path.read_bytes()).hexdigest() in out
    for batch, ny, nx in parity.SHAPES:
        assert re.search(rf"{batch} of {ny}×{nx} px +\S+ grey levels +\d\.\de[-+]\d\d", out)
    if file_format == "onnx":
        onnx.checker.check_model(path)


def test_difference_that_is_too_large(run_cli, run, tmp_path, monkeypatch):
    monkeypatch.setattr(parity, "MAX_RELATIVE", -1.0)
    folder = tmp_path / "empty"
    folder.mkdir()
    code, _, err = run_cli(
        "export", NAME, "--weights", run, "--format", "onnx", "-o", folder / "model.onnx"
    )
    assert code == 1
    assert "was not written" in err
    assert len(err.strip().splitlines()) == 1
    assert list(folder.iterdir()) == []


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        ([NAME, "-o", "model.onnx"], "--format"),
        ([NAME, "--format", "onnx"], "--output"),
        ([NAME, "--format", "tensorflow", "-o", "model"], "tensorflow"),
        (["leica21x/TxRd", "--format", "onnx", "-o", "model.onnx"], "nearest"),
    ],
)
def test_wrong_usage_is_one_line(run_cli, arguments, reason):
    code, out, err = run_cli("export", *arguments)
    assert code == 2
    assert out == ""
    assert reason in err
    assert len(err.strip().splitlines()) == 1
