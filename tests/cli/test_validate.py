"""``validate``: the table, and exit codes that tell a failed check from bad input."""

from __future__ import annotations

import json
import zipfile
from collections.abc import Sequence
from pathlib import Path

import pytest

from deepz_zoo.engines.difference import Difference
from deepz_zoo.package.checks import validate
from deepz_zoo.package.checks.check import Check
from deepz_zoo.package.checks.formats import FormatDifference
from deepz_zoo.package.checks.lint import ConsumerCheck
from deepz_zoo.package.checks.parity import ParityReport, ParityRow
from deepz_zoo.package.checks.validate import ValidationReport

PASSED = Check("the DPM is not ignored", "passed", "changes by 0.9")
FAILED = Check("the sign of z is right", "failed", "error/rms 1.2 [+], 0.4 with the opposite")
SKIPPED = Check("files are as packaged", "skipped", "there is no SHA256SUMS")


@pytest.fixture
def report(monkeypatch):
    """Return a function that sets what validating finds."""

    def set_report(
        *model_checks: Check,
        format_check: Check | None = None,
        rules: Sequence[ConsumerCheck] = (),
        parity: ParityReport | None = None,
    ) -> None:
        tests = (format_check or Check("Reproduce (onnx)", "passed"), Check("Run", "passed"))
        differences = (FormatDifference("onnx", Difference(0.01, 2e-7)),)
        found = ValidationReport(
            Path("a.zip"), tests, model_checks, differences, tuple(rules), parity
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
    options = options_of(monkeypatch)
    assert run_cli("validate", "a.zip")[0] == 0
    assert run_cli("validate", "a.zip", "--trust")[0] == 0
    assert [given["trust"] for given in options] == [False, True]


def options_of(monkeypatch) -> list[dict[str, object]]:
    """Return the list that the options of each validation are added to."""
    found: list[dict[str, object]] = []

    def validate_package(path, **options):
        found.append(options)
        return ValidationReport(path, (Check("Run", "passed"),), ())

    monkeypatch.setattr(validate, "validate_package", validate_package)
    return found


def test_options_reach_the_validation(run_cli, monkeypatch, tmp_path):
    options = options_of(monkeypatch)
    assert run_cli("validate", "a.zip", "--consumer", "ilastik", "--no-test")[0] == 0
    assert run_cli("validate", "a.zip", "--parity", "--engines", tmp_path)[0] == 0
    assert options[0]["consumers"] == ["ilastik"]
    assert options[1]["consumers"] == ["deepimagej", "ilastik", "bioimageio"]
    assert [given["run"] for given in options] == [False, True]
    assert [given["recompute_parity"] for given in options] == [False, True]
    assert [given["engines"] for given in options] == [None, tmp_path]


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (["--no-test", "--parity"], "leave --no-test out"),
        (["--engines", "."], "--engines needs --parity"),
        (["--engines", "missing", "--parity"], "missing"),
        (["--consumer", "napari"], "napari"),
    ],
)
def test_wrong_usage_is_one_line(run_cli, arguments, reason):
    code, out, err = run_cli("validate", "a.zip", *arguments)
    assert (code, out) == (2, "")
    assert reason in err
    assert len(err.strip().splitlines()) == 1


RULES = [
    ConsumerCheck("there is an id", "failed", "none [x]", ("deepimagej",), "no list", "add one"),
    ConsumerCheck("the step is 1", "warned", "16", ("deepimagej",), "four tiles", "pad"),
    ConsumerCheck("axes have ids", "passed", "", ("deepimagej", "ilastik"), "refused", "add ids"),
]


def test_broken_rule_says_who_is_concerned_and_what_to_do(run_cli, report):
    report(PASSED, rules=RULES)
    code, out, err = run_cli("validate", "a.zip")
    assert code == 1
    for words in (
        "there is an id",
        "none [x]",
        "deepimagej: no list",
        "fix: add one",
        "four tiles",
    ):
        assert words in out
    assert "axes have ids" not in out
    assert err.strip() == "Failed: a.zip: 'there is an id': none [x]"


def test_warnings_do_not_fail(run_cli, report):
    report(PASSED, rules=RULES[1:])
    code, out, err = run_cli("validate", "a.zip")
    assert (code, err) == (0, "")
    assert "1, 1 warned" in out
    assert "fix: pad" in out


def test_parity_is_printed_as_measured(run_cli, report):
    row = ParityRow(
        weight_format="onnx",
        engine="onnxruntime 1.2",
        shape=(3, 64, 48),
        relative=3.21e-7,
        absolute=0.000456,
        largest_value=1420,
    )
    report(PASSED, parity=ParityReport(reference="torch", rows=(row,)))
    for words in ("onnxruntime 1.2", "3 × 64×48", "3.2e-07", "0.00046"):
        assert words in run_cli("validate", "a.zip")[1]
    data = json.loads(run_cli("validate", "a.zip", "--json")[1])
    assert data["parity"]["rows"][0]["shape"] == [3, 64, 48]


def test_skipped_format_is_shown_and_no_failure(run_cli, report):
    detail = "may hold programs; set `trust` to run it"
    report(PASSED, format_check=Check("Tests (keras)", "skipped", detail))
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
    report(PASSED, FAILED, rules=RULES)
    code, out, _ = run_cli("validate", "a.zip", "--json")
    data = json.loads(out)
    assert code == 1
    assert data["checks"][0] == {
        "name": "there is an id",
        "status": "failed",
        "detail": "none [x]",
        "consumers": ["deepimagej"],
        "symptom": "no list",
        "fix": "add one",
    }
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
