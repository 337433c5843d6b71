"""Untrusted packages, opened: zip archives are checked before they are unpacked."""

from __future__ import annotations

import errno
import lzma
import os
import stat
import struct
import zipfile
import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path, PurePosixPath

from deepz_zoo.errors import DeepZError
from deepz_zoo.files import check_readable, temporary_folder
from deepz_zoo.package.reading.untrusted import read_description, refuse_harmful_files

DESCRIPTION_NAMES = ("rdf.yaml", "bioimageio.yaml")

_ORDINARY = (0, stat.S_IFREG, stat.S_IFDIR)

# What the readers of headers and of compressed data raise on damaged ones.
ZIP_DAMAGE = (
    EOFError,
    NotImplementedError,
    RuntimeError,
    ValueError,
    lzma.LZMAError,
    struct.error,
    zipfile.BadZipFile,
    zipfile.LargeZipFile,
    zlib.error,
)

# No package comes near these. Weights shrink by a tenth, and only what is made to burst shrinks to
# a hundredth; a description of a few kilobytes may.
_MAX_BYTES = 16 * 2**30
_MAX_FILES = 10_000
_MAX_GROWTH = 100
_ALWAYS_FITS_BYTES = 64 * 2**20


@contextmanager
def open_package(path: Path) -> Iterator[Path]:
    """Yield the path of the description of a package that is a zip file or a folder.

    A zip file is checked and unpacked into a temporary folder. Nothing of the package is run, and
    nothing outside it is read.

    Raises
    ------
    DeepZError
        If there is no such file, it is not a sound zip file, it is malicious (members or
        links that lead outside, more than the disk or the memory holds), or no description is
        found.
    """
    if path.is_dir():
        yield _checked(path, path)
        return
    with temporary_folder("unpacked") as folder:
        _unpack(path, folder)
        try:
            yield _checked(folder, path)
        except DeepZError as error:
            raise DeepZError(as_in_package(str(error), folder)) from error


def as_in_package(message: str, folder: Path) -> str:
    """Return a message that names files as the package does, not where they were unpacked."""
    return message.replace(f"{folder}{os.sep}", "").replace(str(folder), "the package")


def _checked(folder: Path, package: Path) -> Path:
    """Return the path of the description in a folder that holds nothing malicious."""
    description = _description(folder, package)
    _refuse_links(folder, package)
    try:
        refuse_harmful_files(folder, read_description(description))
    except DeepZError as error:
        raise DeepZError(f"{package}: {error}") from error
    return description


def _description(folder: Path, package: Path) -> Path:
    for name in DESCRIPTION_NAMES:
        if (folder / name).is_file():
            return folder / name
    raise DeepZError(
        f"{package}: no rdf.yaml at the top level; expected a bioimage.io package, as "
        "'deepz-zoo package' writes it"
    )


def _refuse_links(folder: Path, package: Path) -> None:
    """Refuse a folder with links that lead out of it, or with files that are none."""
    root = folder.resolve()
    for count, entry in enumerate(folder.rglob("*")):
        if count >= _MAX_FILES:
            raise DeepZError(f"{package}: more than {_MAX_FILES} files; expected a package")
        try:
            inside = entry.resolve().is_relative_to(root)
        except (OSError, RuntimeError):  # links that lead to each other
            inside = False
        if not inside:
            raise DeepZError(f"{package}: {entry.name!r} is a link that leads outside the package")
        if not (entry.is_file() or entry.is_dir()):
            raise DeepZError(f"{package}: {entry.name!r} is neither a file nor a folder")


def _unpack(path: Path, folder: Path) -> None:
    check_readable(path, "a package (.zip) or its folder")
    try:
        with zipfile.ZipFile(path) as archive:
            _refuse_unsafe(archive.infolist(), path)
            archive.extractall(folder)  # checks the CRC of every member
    except zipfile.BadZipFile as error:
        raise DeepZError(f"{path}: {_zip_complaint(path)}") from error
    except (FileExistsError, IsADirectoryError, NotADirectoryError) as error:
        raise DeepZError(f"{path}: two members want the same place") from error
    except OSError as error:
        if error.errno in {errno.ENOSPC, errno.EDQUOT}:
            raise  # no fault of the package
        raise DeepZError(f"{path}: cannot be unpacked ({error.strerror})") from error
    except ZIP_DAMAGE as error:
        raise DeepZError(f"{path}: cannot be unpacked ({error})") from error


def _zip_complaint(path: Path) -> str:
    with path.open("rb") as file:
        starts_as_zip = file.read(4) == b"PK\x03\x04"
    if not starts_as_zip:
        return "not a zip file; expected a bioimage.io package"
    return "a truncated or damaged zip file; download or build it again"


def _refuse_unsafe(members: Sequence[zipfile.ZipInfo], path: Path) -> None:
    """Refuse an archive that would write elsewhere, or more than its size lets expect."""
    if len(members) > _MAX_FILES:
        raise DeepZError(f"{path}: {len(members)} members; expected at most {_MAX_FILES}")
    places: set[str] = set()
    for member in members:
        # ZipInfo has turned the host's separators into slashes; a backslash is one on Windows.
        name = member.filename.replace("\\", "/")
        outside = name.startswith("/") or ".." in name.split("/") or ":" in name.split("/")[0]
        if outside or stat.S_IFMT(member.external_attr >> 16) not in _ORDINARY:
            raise DeepZError(
                f"{path}: member {member.filename!r} points outside the package; "
                "do not use a package from this source"
            )
        place = str(PurePosixPath(name)).casefold()  # as file systems of Windows and macOS see it
        if place in places:
            raise DeepZError(f"{path}: two members are named {member.filename!r}")
        places.add(place)
    unpacked, packed = sum(member.file_size for member in members), path.stat().st_size
    if unpacked > min(_MAX_BYTES, max(_ALWAYS_FITS_BYTES, _MAX_GROWTH * packed)):
        raise DeepZError(
            f"{path}: {packed} bytes that unpack to {unpacked}; expected at most "
            f"{_MAX_GROWTH} times as many and {_MAX_BYTES >> 30} GiB"
        )
