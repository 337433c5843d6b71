"""Zip archives of packages: written the same way every time, and opened with suspicion."""

from __future__ import annotations

import hashlib
import os
import stat
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from tempfile import TemporaryDirectory

from deepz_zoo.errors import DeepZError

DESCRIPTION_NAMES = ("rdf.yaml", "bioimageio.yaml")
CHECKSUMS_NAME = "SHA256SUMS"

_DATE = (1980, 1, 1, 0, 0, 0)
_PERMISSIONS = 0o644
_LARGEST_BYTES = 16 * 2**30
_CHUNK = 2**20


def write_archive(folder: Path, path: Path) -> None:
    """Zip the files of `folder` so that equal files give equal bytes.

    Names are sorted, dates and permissions fixed, and nothing is compressed: the output of zlib
    differs between its builds, and weights hardly shrink.

    Parameters
    ----------
    folder
        Its files, not those of subfolders, become the members.
    path
        The archive, which must not exist.
    """
    with zipfile.ZipFile(path, "x") as archive:
        for file in sorted(folder.iterdir(), key=lambda file: file.name):
            member = zipfile.ZipInfo(file.name, _DATE)
            member.external_attr = (stat.S_IFREG | _PERMISSIONS) << 16
            member.create_system = 3  # Unix, wherever the archive is written
            archive.writestr(member, file.read_bytes())


def sha256_of(path: Path) -> str:
    """Return the SHA-256 of a file as hexadecimal digits."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(_CHUNK):
            digest.update(block)
    return digest.hexdigest()


def write_checksums(folder: Path) -> None:
    """Write ``SHA256SUMS`` over the files of `folder` as sha256sum does.

    The description is left out, since it states the hash of this list.
    """
    lines = [
        f"{sha256_of(file)}  {file.name}\n"
        for file in sorted(folder.iterdir(), key=lambda file: file.name)
        if file.name not in (*DESCRIPTION_NAMES, CHECKSUMS_NAME)
    ]
    (folder / CHECKSUMS_NAME).write_text("".join(lines), encoding="utf-8", newline="\n")


def wrong_checksums(folder: Path) -> list[str]:
    """Return what in `folder` disagrees with its ``SHA256SUMS``, a phrase for each file."""
    problems = []
    for line in (folder / CHECKSUMS_NAME).read_text(encoding="utf-8").splitlines():
        expected, _, name = line.partition("  ")
        file = folder / PurePosixPath(name).name
        if not file.is_file():
            problems.append(f"{name} is missing")
        elif sha256_of(file) != expected:
            problems.append(f"{name} was changed")
    return problems


@contextmanager
def open_package(path: Path) -> Iterator[Path]:
    """Yield the path of the description of a package that is a zip file or a folder.

    A zip file is checked and unpacked into a temporary folder.

    Raises
    ------
    DeepZError
        If there is no such file, it is not a sound zip file, a member would be written outside
        the folder, or no description is found.
    """
    if path.is_dir():
        yield _description(path, {file.name for file in path.iterdir()}, path)
        return
    with TemporaryDirectory(prefix="deepz-package-") as temporary:
        folder = Path(temporary)
        yield _description(folder, _unpack(path, folder), path)


def _description(folder: Path, names: set[str], package: Path) -> Path:
    for name in DESCRIPTION_NAMES:
        if name in names:
            return folder / name
    raise DeepZError(
        f"{package}: no rdf.yaml at the top level; expected a bioimage.io package, as "
        "'deepz-zoo package' writes it"
    )


def _unpack(path: Path, folder: Path) -> set[str]:
    """Unpack a zip file and return the names of its members."""
    if not path.exists():
        raise DeepZError(f"{path} does not exist; expected a package (.zip) or its folder")
    try:
        with zipfile.ZipFile(path) as archive:
            for member in archive.infolist():
                _refuse_unsafe(member, path)
            if sum(member.file_size for member in archive.infolist()) > _LARGEST_BYTES:
                raise DeepZError(f"{path}: unpacks to more than {_LARGEST_BYTES >> 30} GiB")
            archive.extractall(folder)  # checks the CRC of every member
            return set(archive.namelist())
    except zipfile.BadZipFile as error:
        raise DeepZError(f"{path}: {_zip_complaint(path)}") from error
    except (EOFError, NotImplementedError, RuntimeError, zipfile.LargeZipFile) as error:
        raise DeepZError(f"{path}: cannot be unpacked ({error})") from error


def _zip_complaint(path: Path) -> str:
    with path.open("rb") as file:
        starts_as_zip = file.read(4) == b"PK\x03\x04"
    if not starts_as_zip:
        return "not a zip file; expected a bioimage.io package"
    return "a truncated or damaged zip file; download or build it again"


def _refuse_unsafe(member: zipfile.ZipInfo, path: Path) -> None:
    """Refuse members that would be written elsewhere, and links."""
    # ZipInfo has turned the host's separators into slashes; a backslash is one on Windows.
    name = member.filename.replace("\\", "/")
    outside = name.startswith("/") or ".." in name.split("/") or ":" in name.split("/")[0]
    if outside or stat.S_ISLNK(member.external_attr >> 16):
        raise DeepZError(
            f"{path}: member '{member.filename}' points outside the package; "
            "do not use a package from this source"
        )


@contextmanager
def written_by_rename(path: Path, *, overwrite: bool) -> Iterator[Path]:
    """Yield a temporary path beside `path`; it becomes `path` when the block ends well.

    Whatever happens in the block, no temporary file stays behind.

    Raises
    ------
    DeepZError
        If `path` exists without `overwrite`, is a folder, or lies in a folder that does not exist.
    """
    refuse_output(path, overwrite=overwrite)
    temporary = path.with_name(f".{path.stem}.{os.getpid()}{path.suffix}")
    try:
        yield temporary
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def refuse_output(path: Path, *, overwrite: bool) -> None:
    """Raise DeepZError unless `path` may be written; see `written_by_rename`."""
    if path.is_dir():
        raise DeepZError(f"{path} is a folder; name a file in it")
    if not path.parent.is_dir():
        raise DeepZError(f"{path.parent} does not exist; create the folder first")
    if path.exists() and not overwrite:
        raise DeepZError(f"{path} exists; name another file or pass --overwrite")
