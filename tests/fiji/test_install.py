"""Macros and models in a Fiji: written, recorded, and removed without touching anything else."""

from __future__ import annotations

import errno
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from deepz_zoo.errors import DeepZError
from deepz_zoo.fiji.doctor import examine
from deepz_zoo.fiji.install import MACROS_FOLDER, RECORD_NAME, install, uninstall
from deepz_zoo.fiji.macro_files import macros_folder
from tests.builders import read_yaml

REPOSITORY = Path(__file__).parents[2]


@pytest.fixture
def package(tmp_path):
    """Return a package that is a folder, with a description that names one file."""
    folder = tmp_path / "deepz_test"
    folder.mkdir()
    (folder / "rdf.yaml").write_text("type: model\nname: test\n")
    (folder / "weights.onnx").write_bytes(b"weights")
    return folder


def listing(folder):
    return {
        str(path.relative_to(folder)): path.read_bytes() if path.is_file() else None
        for path in folder.rglob("*")
    }


@pytest.mark.parametrize("models_before", [False, True])
def test_uninstall_takes_back_exactly_what_install_wrote(fiji, package, models_before):
    if models_before:
        (fiji / "models").mkdir()
    before = listing(fiji)
    written = install(fiji, [package])
    assert f"{MACROS_FOLDER}/Deep-Z_Refocus.ijm" in written
    assert (fiji / "models" / "deepz_test" / "weights.onnx").read_bytes() == b"weights"
    assert set(listing(fiji)) >= set(written)
    removal = uninstall(fiji)
    assert removal.removed == written
    assert removal.kept == ()
    assert listing(fiji) == before


def test_a_second_installation_writes_only_what_is_new(fiji, package):
    install(fiji)
    assert install(fiji) == ()
    assert install(fiji, [package]) == (
        "models/deepz_test/rdf.yaml",
        "models/deepz_test/weights.onnx",
    )
    (package / "weights.onnx").write_bytes(b"better")
    assert install(fiji, [package]) == ("models/deepz_test/weights.onnx",)
    uninstall(fiji)
    assert not (fiji / "models").exists()


def test_deepimagej_gets_the_onnx_weights_alone(run_cli, fiji, built):
    """It would download an engine for every format; the package stays whole, for an upload."""
    before = built.read_bytes()
    install(fiji, [built])
    model = fiji / "models" / "tiny"
    assert list(read_yaml(model / "rdf.yaml")["weights"]) == ["onnx"]
    assert {path.name for path in model.glob("weights*")} == {"weights.onnx"}
    assert not (model / "deepz_network.py").exists()
    subprocess.run(["sha256sum", "-c", "SHA256SUMS"], cwd=model, check=True, capture_output=True)
    code, out, err = run_cli("validate", model, "--consumer", "deepimagej", "--no-test")
    assert code == 0, out + err
    assert built.read_bytes() == before


def test_a_package_without_onnx_weights_stays_as_it_is(fiji, package):
    (package / "weights.pt").write_bytes(b"weights")
    text = "type: model\nweights: {torchscript: {source: weights.pt}}\n"
    (package / "rdf.yaml").write_text(text)
    install(fiji, [package])
    assert (fiji / "models" / "deepz_test" / "rdf.yaml").read_text() == text
    assert (fiji / "models" / "deepz_test" / "weights.pt").is_file()


def test_foreign_files_are_never_replaced_without_force(fiji, package):
    (fiji / MACROS_FOLDER).mkdir()
    theirs = fiji / MACROS_FOLDER / "Deep-Z_Refocus.ijm"
    theirs.write_text("// of somebody else")
    before = listing(fiji)
    with pytest.raises(DeepZError, match=r"Deep-Z_Refocus.ijm exists and deepz-zoo did not write"):
        install(fiji, [package])
    assert listing(fiji) == before
    install(fiji, [package], force=True)
    assert theirs.read_text() != "// of somebody else"


def test_a_foreign_file_with_our_content_stays_foreign(fiji):
    (fiji / MACROS_FOLDER).mkdir()
    theirs = fiji / MACROS_FOLDER / "Deep-Z_Refocus.ijm"
    theirs.write_bytes((macros_folder() / theirs.name).read_bytes())
    install(fiji)
    uninstall(fiji)
    assert theirs.exists()


def test_a_changed_macro_is_kept_unless_forced(fiji):
    install(fiji)
    changed = fiji / MACROS_FOLDER / "Deep-Z_Refocus.ijm"
    changed.write_text("// my own")
    with pytest.raises(DeepZError, match="did not write it as it is"):
        install(fiji)
    assert uninstall(fiji).kept == (f"{MACROS_FOLDER}/Deep-Z_Refocus.ijm",)
    assert changed.read_text() == "// my own"
    assert uninstall(fiji, force=True).removed == (f"{MACROS_FOLDER}/Deep-Z_Refocus.ijm",)
    assert not changed.exists()


@pytest.mark.parametrize(
    "name",
    ["../secret.txt", "plugins/Deep-Z/../../../secret.txt", "plugins/Other_.jar", "/etc/hosts"],
)
def test_a_false_record_deletes_nothing(fiji, name):
    (fiji.parent / "secret.txt").write_text("secret")
    install(fiji)
    record = json.loads((fiji / RECORD_NAME).read_text())
    record["files"][name] = "0" * 64
    (fiji / RECORD_NAME).write_text(json.dumps(record))
    before = listing(fiji.parent)
    with pytest.raises(DeepZError, match="is damaged; remove it"):
        uninstall(fiji, force=True)
    assert listing(fiji.parent) == before


def test_what_is_no_fiji_or_has_no_installation_is_told(tmp_path, fiji, package):
    with pytest.raises(DeepZError, match="has no plugins folder"):
        install(tmp_path / "nowhere")
    with pytest.raises(DeepZError, match="nothing was installed there"):
        uninstall(fiji)
    with pytest.raises(DeepZError, match="no rdf.yaml"):
        (package / "rdf.yaml").unlink()
        install(fiji, [package])
    assert not (fiji / MACROS_FOLDER).exists()


def test_the_update_site_has_the_same_files_and_their_checksums(fiji, package, tmp_path):
    script = REPOSITORY / "packaging" / "fiji" / "build_site.py"
    if not script.is_file():
        pytest.skip("needs packaging/: run the tests in a clone of the repository")
    site = tmp_path / "site"
    build = [sys.executable, script, site, "--model", package]
    subprocess.run(build, check=True, capture_output=True)
    written = set(install(fiji, [package]))
    sums = (site / "SHA256SUMS").read_text().splitlines()
    assert {line.split("  ")[1] for line in sums} == written
    assert {name for name, data in listing(site).items() if data} == {*written, "SHA256SUMS"}
    subprocess.run(["sha256sum", "-c", "SHA256SUMS"], cwd=site, check=True, capture_output=True)
    again = subprocess.run(build, check=False, capture_output=True, text=True)
    assert again.returncode == 1
    assert "is not empty" in again.stderr


@pytest.mark.parametrize("before", [False, True])
def test_a_failed_installation_leaves_what_was_there(fiji, package, monkeypatch, before):
    if before:
        install(fiji)
        next((fiji / MACROS_FOLDER).glob("*.ijm")).unlink()  # to be written again
    there = listing(fiji)

    def fail(self: Path, content: bytes) -> int:
        if self.name.startswith(".weights"):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        with self.open("wb") as file:
            return file.write(content)

    monkeypatch.setattr(Path, "write_bytes", fail)
    with pytest.raises(DeepZError, match="disk full"):
        install(fiji, [package])
    monkeypatch.undo()
    assert listing(fiji) == there


@pytest.mark.parametrize("by_variable", [False, True])
def test_doctor_finds_what_was_installed_into_any_folder(
    tmp_path, package, monkeypatch, by_variable
):
    folder = tmp_path / "of_plugins"  # no ImageJ that could be started
    (folder / "plugins").mkdir(parents=True)
    install(folder, [package])
    if by_variable:
        monkeypatch.setenv("FIJI_HOME", str(folder))
    found = {
        finding.name: finding.found for finding in examine(None if by_variable else str(folder))
    }
    assert found["ImageJ"] is None
    assert "Deep-Z_Refocus" in found["macros"]
    assert found["models"] == "deepz_test"
