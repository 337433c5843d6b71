from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import onnx
import pytest
from bioimageio.spec.utils import write_yaml
from onnx import numpy_helper

from deepz_zoo.errors import DeepZError
from deepz_zoo.package.checks import behavior, validate
from deepz_zoo.package.checks.behavior import KnownStack
from deepz_zoo.package.checks.check import Check
from deepz_zoo.package.checks.formats import run_bioimageio_tests
from deepz_zoo.package.checks.lint import ConsumerCheck
from deepz_zoo.package.checks.parity import read_parity
from deepz_zoo.package.checks.validate import validate_package
from deepz_zoo.package.contents.checksums import write_checksums
from deepz_zoo.package.contents.description import FILES
from deepz_zoo.package.reading.isolation import isolated_bioimageio
from tests.builders import read_yaml

pytestmark = pytest.mark.slow


@pytest.fixture
def stacks(known_stack: KnownStack) -> list[KnownStack]:
    return [known_stack]


@pytest.fixture
def format_passes(monkeypatch: pytest.MonkeyPatch) -> None:
    """Skip bioimage.io's tests, which take seconds and are run by other tests here."""
    tests = [Check("bioimage.io's tests", "passed")]
    monkeypatch.setattr(validate, "run_bioimageio_tests", lambda description, **options: tests)


@pytest.fixture
def behaves(monkeypatch: pytest.MonkeyPatch) -> None:
    """Skip what runs the model for anything but its parity."""
    monkeypatch.setattr(behavior, "simulate_known_stacks", lambda system: [])
    monkeypatch.setattr(behavior, "check_behavior", lambda *arguments, **options: [])
    monkeypatch.setattr(validate, "format_differences", lambda description, **options: ())


def edit(folder: Path, change) -> None:
    """Change the description in place."""
    path = folder / FILES.description
    content = read_yaml(path)
    change(content)
    write_yaml(content, path)
    write_checksums(folder)


def statuses(report) -> dict[str, str]:
    return {check.name: check.status for check in report.checks}


@pytest.mark.slow
def test_untrained_package_is_sound_but_misbehaves(built, stacks):
    """Its own formats are all run without being told to trust it: none is skipped."""
    report = validate_package(built, known_stacks=stacks)
    assert {check.status for check in report.format_checks} == {"passed"}
    found = statuses(report)
    assert {check.status for check in report.consumer_checks} == {"passed"}
    assert found[validate.CHECKSUMS] == "passed"
    assert found[validate.CHANNEL_NAMES] == "passed"
    assert found[validate.VALIDITY] == "passed"
    assert found[behavior.BETTER_THAN_INPUT] == "failed"
    assert len(report.differences) == 3


@pytest.mark.slow
@pytest.mark.usefixtures("format_passes")
def test_folder_validates_like_the_zip(built, unpacked, stacks):
    from_zip, from_folder = (validate_package(p, known_stacks=stacks) for p in (built, unpacked))
    assert statuses(from_zip) == statuses(from_folder)


@pytest.mark.slow
def test_wrong_test_output_fails_by_name(folder, stacks):
    output = np.load(folder / FILES.test_output)
    np.save(folder / FILES.test_output, output + 0.1 * np.abs(output).max())
    edit(folder, lambda rdf: rdf["outputs"][0]["test_tensor"].pop("sha256"))
    report = validate_package(folder, known_stacks=stacks)
    names = {check.name for check in report.failed}
    assert "Reproduce test outputs from test inputs (onnx)" in names
    assert {check.status for check in report.model_checks} == {"skipped"}


def test_changed_weights_fail_the_format(folder, stacks):
    weights = folder / FILES.onnx
    weights.write_bytes(weights.read_bytes() + b"\0")
    assert any("sha" in check.detail.lower() for check in validate_package(folder).failed)


@pytest.mark.slow
@pytest.mark.usefixtures("format_passes")
def test_changed_readme_is_noticed(folder, stacks):
    (folder / FILES.readme).write_text("# Other\n\n## Validation\n")
    found = {check.name: check for check in validate_package(folder, known_stacks=stacks).checks}
    assert found[validate.CHECKSUMS].status == "failed"
    assert "README.md was changed" in found[validate.CHECKSUMS].detail


@pytest.mark.slow
@pytest.mark.usefixtures("format_passes")
def test_exchanged_channel_names_are_noticed(folder, stacks):
    def exchange(rdf):
        rdf["inputs"][0]["axes"][1]["channel_names"].reverse()

    edit(folder, exchange)
    assert (
        statuses(validate_package(folder, known_stacks=stacks))[validate.CHANNEL_NAMES] == "failed"
    )


@pytest.mark.slow
def test_other_models_get_the_tests_of_the_format_only(folder):
    edit(folder, lambda rdf: rdf["config"].pop("deepz"))
    report = validate_package(folder)
    assert not report.failed
    assert {check.status for check in report.format_checks} == {"passed"}
    assert {check.status for check in report.model_checks} == {"skipped"}


@pytest.mark.slow
@pytest.mark.usefixtures("format_passes")
def test_missing_optics_fail_by_name(folder, stacks):
    edit(folder, lambda rdf: rdf["config"]["deepz"]["system"].pop("pixel_size_um"))
    report = validate_package(folder, known_stacks=stacks)
    (failure,) = report.failed
    assert failure.name == validate.VALIDITY
    assert "pixel_size_um" in failure.detail
    assert statuses(report)[behavior.SIGN_OF_Z] == "skipped"


@pytest.mark.slow
@pytest.mark.usefixtures("format_passes")
def test_stated_accuracy_sets_the_limit(folder, stacks):
    row = {"noise": "low", "distance_um": 0.0, "error_over_rms": 50.0}
    row |= {"correlation": 0.5, "ssim": 0.5}
    edit(folder, lambda rdf: rdf["config"]["deepz"].update(accuracy=[row]))
    found = {check.name: check for check in validate_package(folder, known_stacks=stacks).checks}
    assert found[behavior.ZERO_KEEPS].status == "passed"
    assert "50.000 was measured" in found[behavior.ZERO_KEEPS].detail


@pytest.mark.usefixtures("format_passes")
def test_rules_are_checked_for_any_package(folder):
    def change(rdf):
        rdf["config"].pop("deepz")
        rdf.pop("id")
        rdf["inputs"][0]["axes"][2]["size"]["step"] = 8

    edit(folder, change)
    (failure,) = validate_package(folder).failed
    assert isinstance(failure, ConsumerCheck)
    assert failure.name == "the description has an id"
    assert "NullPointerException" in failure.symptom
    warned = [c.name for c in validate_package(folder).checks if c.status == "warned"]
    assert warned == ["the step of sizes is 1"]
    assert not validate_package(folder, consumers=["ilastik"]).failed


def test_rules_alone_run_nothing(folder, monkeypatch):
    monkeypatch.delattr(validate, "run_bioimageio_tests")
    report = validate_package(folder, run=False)
    assert report.checks == report.consumer_checks
    assert not report.failed


@pytest.mark.slow
@pytest.mark.usefixtures("format_passes", "behaves")
def test_parity_is_measured_again(unpacked, stacks):
    report = validate_package(unpacked, known_stacks=stacks, recompute_parity=True)
    assert statuses(report)[validate.PARITY] == "passed"
    assert report.parity.shapes == read_parity(unpacked / FILES.parity).shapes
    assert all(row.relative < 1e-5 for row in report.parity.rows)


@pytest.mark.slow
@pytest.mark.usefixtures("format_passes", "behaves")
def test_weights_that_differ_from_what_was_stated_are_named(folder, stacks):
    model = onnx.load(folder / FILES.onnx)
    (last,) = (w for w in model.graph.initializer if w.name.endswith("last.weight"))
    last.CopyFrom(numpy_helper.from_array(1.01 * numpy_helper.to_array(last), last.name))
    (folder / FILES.onnx).write_bytes(model.SerializeToString())
    edit(folder, lambda rdf: rdf["weights"]["onnx"].pop("sha256"))
    report = validate_package(folder, known_stacks=stacks, recompute_parity=True)
    found = {check.name: check for check in report.checks}
    assert found[validate.PARITY].status == "failed"
    assert "onnx run by onnxruntime" in found[validate.PARITY].detail
    assert "torchscript" not in found[validate.PARITY].detail


@pytest.mark.slow
@pytest.mark.usefixtures("format_passes", "behaves")
def test_engine_that_fails_is_a_failed_check(unpacked, stacks, tmp_path):
    python = tmp_path / "torch-1.2.3" / "bin" / "python"
    python.parent.mkdir(parents=True)
    python.write_text("#!/bin/sh\necho RuntimeError: no such version >&2; exit 1\n")
    python.chmod(0o755)
    report = validate_package(
        unpacked, known_stacks=stacks, recompute_parity=True, engines=tmp_path
    )
    found = {check.name: check for check in report.checks}
    assert found[validate.PARITY].status == "failed"
    assert "torch-1.2.3 cannot run weights_torchscript.pt" in found[validate.PARITY].detail


@pytest.mark.parametrize(
    ("text", "reason"),
    [("[: bad", "not YAML"), ("just text", "mapping"), ("", "mapping"), ("\xff", "mapping")],
)
def test_description_that_is_none(folder, text, reason):
    (folder / FILES.description).write_text(text, encoding="latin-1")
    with pytest.raises(DeepZError, match=rf"{reason}|not YAML") as error:
        validate_package(folder)
    assert "\n" not in str(error.value)


def test_bioimageio_is_isolated_and_released():
    from bioimageio.spec import settings

    before = settings.cache_path, settings.http_timeout
    environment = dict(os.environ)
    with isolated_bioimageio():
        inside = settings.cache_path
        assert inside.is_dir()
        assert inside != before[0]
        assert settings.http_timeout <= 1
    assert not inside.exists()
    assert (settings.cache_path, settings.http_timeout) == before
    for name in ("http_proxy", "https_proxy", "all_proxy", "no_proxy"):
        assert os.environ.get(name) == environment.get(name)


@pytest.mark.slow
def test_nothing_is_written_into_the_home(built, tmp_path):
    """onnxruntime and bioimageio would both leave files there."""
    environment = {
        key: value
        for key, value in os.environ.items()
        if not key.startswith(("BIOIMAGEIO_", "ORT_", "XDG_"))
    }
    code = (
        "import sys; from pathlib import Path\n"
        "from deepz_zoo.package.reading.archive import open_package\n"
        "from deepz_zoo.package.reading.isolation import isolated_bioimageio\n"
        "from deepz_zoo.package.checks.formats import format_differences\n"
        "with isolated_bioimageio(), open_package(Path(sys.argv[1])) as description:\n"
        "    assert len(format_differences(description)) == 3\n"
    )
    command = [sys.executable, "-c", code, str(built)]
    subprocess.run(command, check=True, env={**environment, "HOME": str(tmp_path)})
    assert list(tmp_path.rglob("*")) == []


def test_manifest_in_the_package_is_complete(unpacked, manifest):
    from deepz_zoo.records.manifest import Manifest

    text = (unpacked / FILES.manifest).read_text(encoding="utf-8")
    assert Manifest.model_validate_json(text) == manifest
    assert json.loads(text)["system"]["pixel_size_um"] == 0.325


def test_checksums_do_not_list_themselves(folder):
    write_checksums(folder)
    lines = (folder / FILES.checksums).read_text().splitlines()
    assert all(re.fullmatch(r"[0-9a-f]{64}  \S+", line) for line in lines)
    listed = {line.split()[1] for line in lines}
    assert listed == {file.name for file in folder.iterdir()} - {"SHA256SUMS"}


@pytest.mark.parametrize("line", ["type: .nan", "format_version: .nan"])
def test_a_description_that_stops_bioimageio_is_a_failed_check(tmp_path, line):
    lines = {"type": "type: model", "format_version": "format_version: 0.5.10"}
    lines[line.partition(":")[0]] = line
    (tmp_path / "rdf.yaml").write_text("\n".join(lines.values()))
    check, *rest = run_bioimageio_tests(tmp_path / "rdf.yaml")
    assert (check.status, rest) == ("failed", [])
    assert check.detail.startswith("rdf.yaml: bioimageio.spec cannot read it")
