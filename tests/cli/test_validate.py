"""``validate``: the table, and exit codes that tell a failed check from bad input."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path

import pytest

from deepz_zoo.package import validate
from deepz_zoo.package.checks import Check
from deepz_zoo.package.formats import FormatDifference
from deepz_zoo.package.validate import ValidationReport

PASSED = Check("the DPM is not ignored", "passed", "changes by 0.9")
FAILED = Check("the sign of z is right", "failed", "error/rms 1.2 [+], 0.4 with the opposite")
SKIPPED = Check("files are as packaged", "skipped", "there is no SHA256SUMS")


@pytest.fixture
def report(monkeypatch):
    """Return a function that sets what validating finds."""

    def set_report(*model_checks: Check, format_check: Check | None = None) -> None:
        tests = (format_check or Check("Reproduce (onnx)", "passed"), Check("Run", "passed"))
        found = ValidationReport(
            Path("a.zip"), tests, model_checks, (FormatDifference("onnx", 0.01, 2e-7),)
        )
        monkeypatch.setattr(validate, "validate_package", lambda path, **options: found)

    return set_report


def test_all_passed(run_cli, report):
    report(PASSED, SKIPPED)
    code, out, err = run_cli("validate", "a.zip")
    assert (code, err) == (0, "")
    assert "all 2" in out
    assert PASSED.name in out
    assert "skipped" in out
    assert "2.0e-07" in out


def test_programs_are_run_only_when_trusted(run_cli, monkeypatch):
    options = []

    def validate_package(path, *, trust, progress):
        options.append(trust)
        return ValidationReport(path, (Check("Run", "passed"),), ())

    monkeypatch.setattr(validate, "validate_package", validate_package)
    assert run_cli("validate", "a.zip")[0] == 0
    assert run_cli("validate", "a.zip", "--trust")[0] == 0
    assert options == [False, True]


def test_skipped_format_is_shown_and_no_failure(run_cli, report):
    report(PASSED, format_check=Check("Tests (keras)", "skipped", "may hold programs; --trust"))
    code, out, err = run_cli("validate", "a.zip")
    assert (code, err) == (0, "")
    assert "all 2" not in out
    assert "Tests (keras)" in out
    assert "--trust" in out


def test_failed_check_is_named(run_cli, report):
    report(PASSED, FAILED)
    code, out, err = run_cli("validate", "a.zip")
    assert code == 1
    assert FAILED.name in out
    assert FAILED.name in err
    assert "[+]" in err
    assert len(err.strip().splitlines()) == 1


def test_failed_format_is_named(run_cli, report):
    report(SKIPPED, format_check=Check("Reproduce (onnx)", "failed", "off by 3"))
    code, out, err = run_cli("validate", "a.zip")
    assert code == 1
    assert "Reproduce (onnx)" in out
    assert "off by 3" in err


def test_json(run_cli, report):
    report(PASSED, FAILED)
    code, out, _ = run_cli("validate", "a.zip", "--json")
    data = json.loads(out)
    assert code == 1
    assert data["passed"] is False
    assert data["checks"][-1] == {
        "name": FAILED.name,
        "status": "failed",
        "detail": FAILED.detail,
    }


def truncated(path: Path) -> None:
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("rdf.yaml", "type: model\n" * 1000)
    path.write_bytes(path.read_bytes()[:5000])


def no_description(path: Path) -> None:
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("weights.onnx", "x")


def slips(path: Path) -> None:
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("rdf.yaml", "type: model")
        archive.writestr("../evil.txt", "x")


def bomb(path: Path) -> None:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("rdf.yaml", "type: model")
        archive.writestr("zeros", bytes(65 * 2**20))


def yaml_bomb(path: Path) -> None:
    lines = ["a0: &a0 [x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, 20)]
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("rdf.yaml", "\n".join(lines))


def newline_in_a_name(path: Path) -> None:
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("rdf.yaml", "type: model")
        archive.writestr("../a\nb", "points outside")


@pytest.mark.parametrize(
    ("make", "reason"),
    [
        (bomb, "unpack to"),
        (yaml_bomb, "unfolds to more"),
        (newline_in_a_name, "points outside"),
        (lambda path: None, "does not exist"),
        (lambda path: path.write_text("hello"), "not a zip file"),
        (lambda path: path.mkdir(), "no rdf.yaml"),
        (truncated, "truncated"),
        (no_description, "no rdf.yaml"),
        (slips, "points outside"),
    ],
)
def test_bad_input_is_one_line(run_cli, tmp_path, make, reason):
    path = tmp_path / "package.zip"
    make(path)
    code, out, err = run_cli("validate", path)
    assert code == 2
    assert out == ""
    assert reason in err
    assert str(path) in err
    assert len(err.strip().splitlines()) == 1
