"""Zip archives of packages: written the same way every time, and opened with suspicion."""

from __future__ import annotations

import errno
import lzma
import re
import stat
import struct
import zipfile
import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from tempfile import TemporaryDirectory

from deepz_zoo.errors import DeepZError
from deepz_zoo.files import replacing, sha256_of
from deepz_zoo.package.reading.untrusted import read_description, refuse_harmful_files

DESCRIPTION_NAMES = ("rdf.yaml", "bioimageio.yaml")
CHECKSUMS_NAME = "SHA256SUMS"

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

# A line of sha256sum: an asterisk marks files that were read as binary.
_SUMS_LINE = re.compile(r"(?P<digest>[0-9a-fA-F]{64}) [ *](?P<name>.+)")
_LARGEST_SUMS_BYTES = 2**20

_DATE = (1980, 1, 1, 0, 0, 0)
_PERMISSIONS = 0o644
_CHUNK = 2**20

# No package comes near these. Weights shrink by a tenth, and only what is made to burst shrinks to
# a hundredth; a description of a few kilobytes may.
_LARGEST_BYTES = 16 * 2**30
_MOST_FILES = 10_000
_LARGEST_GROWTH = 100
_ALWAYS_FITS_BYTES = 64 * 2**20


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


def write_checksums(folder: Path) -> None:
    """Write ``SHA256SUMS`` over all files of `folder`, as sha256sum does.

    The description does not name this list, since the list states the hash of the description.
    """
    lines = [
        _sums_line(sha256_of(file), file.name)
        for file in sorted(folder.iterdir(), key=lambda file: file.name)
        if file.name != CHECKSUMS_NAME
    ]
    (folder / CHECKSUMS_NAME).write_text("".join(lines), encoding="utf-8", newline="\n")


def read_checksums(path: Path) -> dict[str, str]:
    """Return the hashes in a ``SHA256SUMS`` by the names of their files.

    Raises
    ------
    DeepZError
        If it is not the output of sha256sum.
    """
    if path.stat().st_size > _LARGEST_SUMS_BYTES:
        raise DeepZError(f"{path.name} is larger than {_LARGEST_SUMS_BYTES >> 20} MiB")
    found = {}
    for line in path.read_text(encoding="utf-8", errors="replace").splitlines():
        if not (parts := _SUMS_LINE.fullmatch(line)):
            raise DeepZError(
                f"{path.name}: {line[:80]!r} is no line of sha256sum; expected a hash and a name"
            )
        found[parts["name"]] = parts["digest"].lower()
    return found


def wrong_checksums(folder: Path) -> dict[str, str]:
    """Return the files of `folder` that disagree with its ``SHA256SUMS``, and how.

    Raises
    ------
    DeepZError
        If there is no such list, or it is not the output of sha256sum.
    """
    if not (folder / CHECKSUMS_NAME).is_file():
        raise DeepZError(f"there is no {CHECKSUMS_NAME} in the package")
    stated = read_checksums(folder / CHECKSUMS_NAME)
    files = {file.relative_to(folder).as_posix() for file in folder.rglob("*") if file.is_file()}
    problems = dict.fromkeys(files - set(stated) - {CHECKSUMS_NAME}, "is not listed")
    for name, digest in stated.items():
        if name not in files:  # so no name leads out of the folder either
            problems[name] = "is missing"
        elif sha256_of(folder / name) != digest:
            problems[name] = "was changed"
    return dict(sorted(problems.items()))


def list_checksum(path: Path, digest: str) -> None:
    """Write a file's SHA-256 into ``SHA256SUMS`` beside it; the lines of other files stay."""
    sums = path.with_name(CHECKSUMS_NAME)
    lines = sums.read_text(encoding="utf-8").splitlines() if sums.is_file() else []
    others = [f"{line}\n" for line in lines if _listed_name(line) != path.name]
    with replacing(sums) as temporary:
        text = "".join([*others, _sums_line(digest, path.name)])
        temporary.write_text(text, encoding="utf-8", newline="\n")


def _listed_name(line: str) -> str | None:
    parts = _SUMS_LINE.fullmatch(line)
    return parts["name"] if parts else None


def _sums_line(digest: str, name: str) -> str:
    return f"{digest}  {name}\n"


@contextmanager
def open_package(path: Path) -> Iterator[Path]:
    """Yield the path of the description of a package that is a zip file or a folder.

    A zip file is checked and unpacked into a temporary folder. Nothing of the package is run, and
    nothing outside it is read.

    Raises
    ------
    DeepZError
        If there is no such file, it is not a sound zip file, it is made to do harm (members or
        links that lead outside, more than the disk or the memory holds), or no description is
        found.
    """
    if path.is_dir():
        yield _checked(path, path)
        return
    with TemporaryDirectory(prefix="deepz-package-") as temporary:
        folder = Path(temporary)
        _unpack(path, folder)
        yield _checked(folder, path)


def _checked(folder: Path, package: Path) -> Path:
    """Return the path of the description in a folder of which nothing does harm."""
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
        if count >= _MOST_FILES:
            raise DeepZError(f"{package}: more than {_MOST_FILES} files; expected a package")
        try:
            inside = entry.resolve().is_relative_to(root)
        except (OSError, RuntimeError):  # links that lead to each other
            inside = False
        if not inside:
            raise DeepZError(f"{package}: {entry.name!r} is a link that leads outside the package")
        if not (entry.is_file() or entry.is_dir()):
            raise DeepZError(f"{package}: {entry.name!r} is neither a file nor a folder")


def _unpack(path: Path, folder: Path) -> None:
    if not path.exists():
        raise DeepZError(f"{path} does not exist; expected a package (.zip) or its folder")
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
    if len(members) > _MOST_FILES:
        raise DeepZError(f"{path}: {len(members)} members; expected at most {_MOST_FILES}")
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
    if unpacked > min(_LARGEST_BYTES, max(_ALWAYS_FITS_BYTES, _LARGEST_GROWTH * packed)):
        raise DeepZError(
            f"{path}: {packed} bytes that unpack to {unpacked}; expected at most "
            f"{_LARGEST_GROWTH} times as many and {_LARGEST_BYTES >> 30} GiB"
        )
