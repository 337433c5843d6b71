"""``package``: the table, and the files and exit codes behind it."""

from __future__ import annotations

import hashlib
import re
import zipfile

import pytest

from deepz_zoo.package import build
from tests.builders import drawn_example

pytestmark = pytest.mark.slow

NAME = "leica20x_0.8/TxRd"


@pytest.fixture(autouse=True)
def small_example(monkeypatch):
    """Put a drawn image in the place of a simulated one, which takes seconds."""
    monkeypatch.setattr(build, "make_example", drawn_example)


@pytest.mark.slow
def test_package_of_a_checkpoint(run_cli, run, tmp_path):
    path = tmp_path / "out.zip"
    code, out, err = run_cli("package", NAME, "--weights", run, "-o", path)
    assert code == 0, err
    assert str(path) in out
    assert hashlib.sha256(path.read_bytes()).hexdigest() in out
    assert re.search(r"\d MB", out)
    for weight_format in ("pytorch_state_dict", "torchscript", "onnx"):
        assert re.search(rf"{weight_format} +passed, largest difference", out)
    with zipfile.ZipFile(path) as archive:
        assert "rdf.yaml" in archive.namelist()


def test_default_name_in_a_folder_and_no_test(run_cli, run, tmp_path):
    code, out, _ = run_cli("package", NAME, "--weights", run, "-o", tmp_path, "--no-test")
    assert code == 0
    assert (tmp_path / "deepz_leica20x_0.8_TxRd.zip").is_file()
    assert "not run" in out


def test_existing_file_needs_overwrite(run_cli, run, tmp_path, monkeypatch):
    path = tmp_path / "out.zip"
    path.write_text("mine")
    arguments = ["package", NAME, "--weights", run, "-o", path, "--no-test"]
    code, _, err = run_cli(*arguments)
    assert (code, path.read_text()) == (2, "mine")
    assert "--overwrite" in err
    assert run_cli(*arguments, "--overwrite")[0] == 0
    assert zipfile.is_zipfile(path)


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (["package"], "name a model"),
        (["package", "leica21x/TxRd"], "nearest"),
        (["package", NAME, "--weights", "nothing.safetensors"], "no such file"),
        (["package", NAME, "-o", "missing/out.zip", "--weights", "RUN"], "does not exist"),
        (["package", NAME, "-o", "/dev/stdout", "--weights", "RUN"], "ends in .zip"),
    ],
)
def test_wrong_usage_is_one_line(run_cli, run, arguments, reason):
    code, out, err = run_cli(*[run if word == "RUN" else word for word in arguments])
    assert code == 2
    assert out == ""
    assert reason in err
    assert len(err.strip().splitlines()) == 1


def test_failing_package_leaves_nothing(run_cli, run, tmp_path, monkeypatch):
    from deepz_zoo.package.checks.check import Check

    checks = [Check("Reproduce (onnx)", "failed", "off by 3")]
    monkeypatch.setattr(build, "run_bioimageio_tests", lambda description: checks)
    folder = tmp_path / "empty"
    folder.mkdir()
    code, _, err = run_cli("package", NAME, "--weights", run, "-o", folder / "out.zip")
    assert code == 1
    assert "Reproduce (onnx)" in err
    assert "off by 3" in err
    assert list(folder.iterdir()) == []
