from __future__ import annotations

import hashlib
import os
import stat
import time
import zipfile
from pathlib import Path

import pytest

from deepz_zoo.errors import DeepZError
from deepz_zoo.files import replacing
from deepz_zoo.package.contents.archive import write_archive
from deepz_zoo.package.contents.checksums import list_checksum, write_checksums
from deepz_zoo.package.reading.archive import open_package
from deepz_zoo.package.reading.checksums import wrong_checksums


@pytest.fixture
def content(tmp_path: Path) -> Path:
    folder = tmp_path / "content"
    folder.mkdir()
    (folder / "weights.pt").write_bytes(bytes(range(256)) * 4)
    (folder / "rdf.yaml").write_text("type: model\n")
    (folder / "README.md").write_text("# µ\n", encoding="utf-8")
    return folder


def zipped(path: Path, members: dict[str, str]) -> Path:
    with zipfile.ZipFile(path, "w") as archive:
        for name, text in members.items():
            archive.writestr(name, text)
    return path


def test_equal_files_give_equal_archives(content, tmp_path):
    write_archive(content, tmp_path / "a.zip")
    for file in content.iterdir():
        os.utime(file, (time.time() - 1e6,) * 2)
        file.chmod(0o600)
    write_archive(content, tmp_path / "b.zip")
    assert (tmp_path / "a.zip").read_bytes() == (tmp_path / "b.zip").read_bytes()


def test_archive_is_sorted_dated_and_sound(content, tmp_path):
    write_archive(content, tmp_path / "a.zip")
    with zipfile.ZipFile(tmp_path / "a.zip") as archive:
        assert archive.testzip() is None
        assert (
            archive.namelist()
            == sorted(archive.namelist())
            == sorted(file.name for file in content.iterdir())
        )
        assert {member.date_time for member in archive.infolist()} == {(1980, 1, 1, 0, 0, 0)}
        assert archive.read("weights.pt") == (content / "weights.pt").read_bytes()


def test_checksums_are_those_of_sha256sum(content):
    write_checksums(content)
    expected = "".join(
        f"{hashlib.sha256((content / name).read_bytes()).hexdigest()}  {name}\n"
        for name in sorted(file.name for file in content.iterdir() if file.name != "SHA256SUMS")
    )
    assert (content / "SHA256SUMS").read_text() == expected
    assert wrong_checksums(content) == {}


def test_changed_and_missing_files_are_named(content):
    write_checksums(content)
    (content / "weights.pt").write_bytes(b"other")
    (content / "README.md").unlink()
    (content / "added.txt").write_text("new")
    assert wrong_checksums(content) == {
        "README.md": "is missing",
        "added.txt": "is not listed",
        "weights.pt": "was changed",
    }


@pytest.mark.parametrize("text", ["no hash", "ab  weights.pt", f"{'0' * 64} weights.pt"])
def test_checksums_that_are_none(content, text):
    (content / "SHA256SUMS").write_text(text)
    with pytest.raises(DeepZError, match="no line of sha256sum"):
        wrong_checksums(content)


def test_name_in_checksums_never_leads_outside(content, tmp_path):
    """Its hash would tell what a file of the user's holds."""
    (tmp_path / "secret").write_text("x")
    digest = hashlib.sha256(b"x").hexdigest()
    (content / "SHA256SUMS").write_text(f"{digest}  ../secret\n")
    assert wrong_checksums(content)["../secret"] == "is missing"


def test_checksum_beside_a_file_keeps_other_lines(tmp_path):
    sums = tmp_path / "SHA256SUMS"
    others = f"{'1' * 64} *my a.zip\n{'2' * 64}  b.zip\n# a note"
    sums.write_text(f"{others}\n{'3' * 64}  a.zip\n")
    list_checksum(tmp_path / "a.zip", "4" * 64)
    assert sums.read_text() == f"{others}\n{'4' * 64}  a.zip\n"


def test_zip_and_folder_open_alike(content, tmp_path):
    write_archive(content, tmp_path / "a.zip")
    for package in (content, tmp_path / "a.zip"):
        with open_package(package) as description:
            assert description.name == "rdf.yaml"
            assert description.read_text() == "type: model\n"
            assert (description.parent / "weights.pt").is_file()
    assert not description.exists(), "the unpacked copy stays behind"


def refused(path: Path) -> str:
    with pytest.raises(DeepZError) as error, open_package(path):
        pass
    message = str(error.value)
    assert str(path) in message
    assert "\n" not in message
    return message


def test_missing_file(tmp_path):
    assert "does not exist" in refused(tmp_path / "nothing.zip")


@pytest.mark.parametrize("text", ["", "hello", "GIF89a"])
def test_not_a_zip(tmp_path, text):
    path = tmp_path / "a.zip"
    path.write_text(text)
    assert "not a zip file" in refused(path)


@pytest.mark.parametrize("share", [0.1, 0.5, 0.95])
def test_truncated_zip(content, tmp_path, share):
    write_archive(content, tmp_path / "whole.zip")
    data = (tmp_path / "whole.zip").read_bytes()
    path = tmp_path / "a.zip"
    path.write_bytes(data[: int(share * len(data))])
    assert "truncated or damaged" in refused(path)


def test_flipped_byte_in_a_member(content, tmp_path):
    path = tmp_path / "a.zip"
    write_archive(content, path)
    data = bytearray(path.read_bytes())
    data[data.index(bytes(range(256))) + 7] ^= 1
    path.write_bytes(data)
    assert "truncated or damaged" in refused(path)


def test_zip_without_description(tmp_path):
    path = zipped(tmp_path / "a.zip", {"inner/rdf.yaml": "type: model"})
    assert "no rdf.yaml at the top level" in refused(path)


@pytest.mark.parametrize(
    "name", ["../evil.txt", "/evil.txt", "a/../../evil.txt", "..\\evil.txt", "C:/evil.txt"]
)
def test_member_outside_the_package(tmp_path, name):
    path = zipped(tmp_path / "sub.zip", {"rdf.yaml": "type: model", name: "x"})
    assert "points outside" in refused(path)
    assert not list(tmp_path.rglob("evil.txt"))


def test_link_as_a_member(tmp_path):
    path = tmp_path / "a.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("rdf.yaml", "type: model")
        link = zipfile.ZipInfo("link")
        link.external_attr = (stat.S_IFLNK | 0o777) << 16
        archive.writestr(link, "/etc/passwd")
    assert "points outside" in refused(path)


def test_device_as_a_member(tmp_path):
    path = tmp_path / "a.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("rdf.yaml", "type: model")
        device = zipfile.ZipInfo("pipe")
        device.external_attr = (stat.S_IFIFO | 0o666) << 16
        archive.writestr(device, "")
    assert "points outside" in refused(path)


@pytest.mark.filterwarnings("ignore:Duplicate name")
@pytest.mark.parametrize("twin", ["rdf.yaml", "RDF.yaml", "./rdf.yaml"])
def test_two_members_of_one_name(tmp_path, twin):
    path = tmp_path / "a.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("rdf.yaml", "type: model")
        archive.writestr(twin, "type: other")
    assert "two members are named" in refused(path)


def test_file_where_another_member_wants_a_folder(tmp_path):
    path = zipped(tmp_path / "a.zip", {"rdf.yaml": "type: model", "a": "x", "a/b": "y"})
    assert "same place" in refused(path)


def test_name_that_no_file_system_takes(tmp_path):
    path = zipped(tmp_path / "a.zip", {"rdf.yaml": "type: model", "n" * 5000: "x"})
    assert "cannot be unpacked" in refused(path)


def test_zip_bomb_is_refused_before_anything_is_written(tmp_path, monkeypatch):
    path = tmp_path / "a.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("rdf.yaml", "type: model")
        archive.writestr("zeros", bytes(65 * 2**20))
    monkeypatch.setattr(zipfile.ZipFile, "extractall", lambda *_: pytest.fail("was unpacked"))
    assert "unpack to" in refused(path)


def test_member_larger_than_it_says(tmp_path):
    """A forged size in the directory must not let more out than was counted."""
    path = zipped(tmp_path / "a.zip", {"rdf.yaml": "type: model", "data": "x" * 5000})
    data = path.read_bytes()
    path.write_bytes(data.replace((5000).to_bytes(4, "little"), (50).to_bytes(4, "little")))
    assert "truncated or damaged" in refused(path)


def test_too_many_members(tmp_path):
    path = zipped(tmp_path / "a.zip", {f"{n}": "" for n in range(10_001)})
    assert "10001 members" in refused(path)


def test_damaged_compressed_data(tmp_path):
    path = tmp_path / "a.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("rdf.yaml", "type: model")
        archive.writestr("data", bytes(range(256)) * 40)
    with zipfile.ZipFile(path) as archive:
        start = archive.getinfo("data").header_offset + 30 + len("data")
    data = bytearray(path.read_bytes())
    data[start : start + 4] = b"\xff" * 4
    path.write_bytes(data)
    assert "cannot be unpacked" in refused(path)


@pytest.mark.parametrize("name", ["rdf.yaml", "weights.pt", "inner/weights.pt"])
def test_folder_with_a_link_that_leads_out(content, tmp_path, name):
    secret = tmp_path / "secret"
    secret.write_text("type: model\n")
    link = content / name
    link.parent.mkdir(exist_ok=True)
    link.unlink(missing_ok=True)
    link.symlink_to(secret)
    assert "leads outside" in refused(content)


def test_folder_with_links_in_a_circle(content):
    (content / "a").symlink_to(content / "b")
    (content / "b").symlink_to(content / "a")
    assert "link" in refused(content)


def test_folder_with_a_pipe(content):
    os.mkfifo(content / "test.npy")
    assert "neither a file nor a folder" in refused(content)


def test_output_appears_by_rename(tmp_path):
    path = tmp_path / "out.zip"
    with replacing(path, overwrite=False) as temporary:
        temporary.write_text("new")
        assert temporary.parent == path.parent
        assert not path.exists()
    assert path.read_text() == "new"
    assert list(tmp_path.iterdir()) == [path]


def test_failure_leaves_the_old_output_and_nothing_else(tmp_path):
    path = tmp_path / "out.zip"
    path.write_text("old")
    with pytest.raises(KeyboardInterrupt), replacing(path, overwrite=True) as temporary:
        temporary.write_text("half")
        raise KeyboardInterrupt
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_outputs_that_are_refused(tmp_path):
    existing = tmp_path / "out.zip"
    existing.write_text("old")
    for path, reason in (
        (existing, "set `overwrite`"),
        (tmp_path, "is a folder"),
        (tmp_path / "none" / "out.zip", "does not exist"),
    ):
        with pytest.raises(DeepZError, match=reason), replacing(path, overwrite=False):
            pass


def test_messages_name_files_as_the_package_does(tmp_path):
    path = tmp_path / "a.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("rdf.yaml", "type: model")
    with pytest.raises(DeepZError) as caught, open_package(path) as description:
        raise DeepZError(f"{description.parent / 'manifest.json'}: damaged in {description.parent}")
    assert str(caught.value) == "manifest.json: damaged in the package"
