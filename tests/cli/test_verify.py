"""``verify``: exit codes and the names of files."""

from __future__ import annotations

import json

import pytest

from deepz_zoo.files import sha256_of
from deepz_zoo.package.contents.archive import write_archive
from deepz_zoo.package.contents.checksums import list_checksum, write_checksums


@pytest.fixture
def package(tmp_path):
    folder = tmp_path / "content"
    folder.mkdir()
    (folder / "rdf.yaml").write_text("type: model\n")
    (folder / "weights.pt").write_bytes(b"1234")
    write_checksums(folder)
    return folder


def test_sound_package(run_cli, package, tmp_path):
    path = tmp_path / "a.zip"
    write_archive(package, path)
    code, out, err = run_cli("verify", path)
    assert (code, err) == (0, "")
    assert "2 of 2 files are as packaged" in out
    assert "skipped (there is no SHA256SUMS beside it)" in out
    list_checksum(path, sha256_of(path))
    assert sha256_of(path) in run_cli("verify", path)[1]


def test_changed_file_is_named(run_cli, package):
    (package / "weights.pt").write_bytes(b"1243")
    code, out, err = run_cli("verify", package)
    assert code == 1
    assert "1 of 2 files" in out
    assert "weights.pt was changed" in err
    code, out, _ = run_cli("verify", package, "--json")
    data = json.loads(out)
    assert (code, data["passed"]) == (1, False)
    assert data["checks"][-1] == {
        "name": "weights.pt",
        "status": "failed",
        "detail": "was changed",
    }


def test_bad_input_is_one_line(run_cli, package, tmp_path):
    (package / "SHA256SUMS").unlink()
    for path, reason in ((package, "SHA256SUMS"), (tmp_path / "missing.zip", "does not exist")):
        code, out, err = run_cli("verify", path)
        assert (code, out) == (2, "")
        assert reason in err
        assert len(err.strip().splitlines()) == 1
