"""Which file of a package is not what was built; a second opinion comes from coreutils."""

from __future__ import annotations

import os
import shutil
import subprocess
import zipfile
from pathlib import Path

import pytest

from deepz_zoo.errors import DeepZError
from deepz_zoo.files import sha256_of
from deepz_zoo.package.checks.verify import verify_package
from deepz_zoo.package.contents.archive import write_archive
from deepz_zoo.package.contents.checksums import CHECKSUMS_NAME, list_checksum
from deepz_zoo.package.contents.description import FILES


def failed(path: Path) -> dict[str, str]:
    return {check.name: check.detail for check in verify_package(path) if check.status == "failed"}


def test_package_as_it_was_built(built, unpacked):
    archive, *files = verify_package(built)
    assert (archive.name, archive.status) == (built.name, "passed")
    with zipfile.ZipFile(built) as members:
        assert {check.name for check in files} == set(members.namelist()) - {CHECKSUMS_NAME}
    assert {check.status for check in files} == {"passed"}
    assert failed(unpacked) == {}


@pytest.mark.skipif(shutil.which("sha256sum") is None, reason="needs sha256sum (coreutils)")
@pytest.mark.parametrize("fixture", ["built", "unpacked"])
def test_sha256sum_agrees(fixture, request):
    path = request.getfixturevalue(fixture)
    folder = path if path.is_dir() else path.parent
    command = ["sha256sum", "--check", "--strict", CHECKSUMS_NAME]
    subprocess.run(command, cwd=folder, check=True, capture_output=True)


@pytest.mark.parametrize("name", [FILES.description, FILES.readme, FILES.onnx, FILES.manifest])
def test_changed_file_is_named(folder, name):
    with (folder / name).open("ab") as file:
        file.write(b"\n")
    assert failed(folder) == {name: "was changed"}


def test_removed_and_added_files_are_named(folder):
    (folder / FILES.cover).unlink()
    (folder / "more").mkdir()
    (folder / "more" / "data.bin").write_bytes(b"x")
    assert failed(folder) == {FILES.cover: "is missing", "more/data.bin": "is not listed"}


def test_list_that_was_rewritten_is_noticed_from_outside(built, folder, tmp_path):
    """Whoever changes a file can write a new list inside; the hash beside the package remains."""
    from deepz_zoo.package.contents.checksums import write_checksums

    (folder / FILES.readme).write_text("# Other\n")
    write_checksums(folder)
    path = tmp_path / built.name
    write_archive(folder, path)
    assert failed(path) == {}
    shutil.copy(built.parent / CHECKSUMS_NAME, tmp_path)
    assert list(failed(path)) == [built.name]


def test_package_without_hashes(folder):
    (folder / CHECKSUMS_NAME).unlink()
    with pytest.raises(DeepZError, match="there is no SHA256SUMS"):
        verify_package(folder)


def test_other_lines_beside_a_package_are_left_alone(built, tmp_path):
    path = tmp_path / "a.zip"
    shutil.copy(built, path)
    sums = tmp_path / CHECKSUMS_NAME
    sums.write_bytes(b"# mine\n\nnot a hash\n\xff\xfe\n")
    list_checksum(path, sha256_of(path))
    assert b"not a hash\n\xff\xfe\n" in sums.read_bytes()
    assert {check.status for check in verify_package(path)} == {"passed"}


def test_a_device_is_not_read_to_its_end():
    with pytest.raises(DeepZError, match="is not a regular file; expected a package"):
        verify_package(Path(os.devnull))
