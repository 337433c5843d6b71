"""Read ``SHA256SUMS`` of an untrusted package and compare its files with it."""

from __future__ import annotations

from pathlib import Path

from deepz_zoo.errors import DeepZError
from deepz_zoo.files import sha256_of
from deepz_zoo.package.contents.checksums import CHECKSUM_LINE, CHECKSUMS_NAME

_MAX_BYTES = 2**20


def read_checksums(path: Path, *, skip_other_lines: bool = False) -> dict[str, str]:
    """Return the hashes in a ``SHA256SUMS`` by the names of their files.

    Parameters
    ----------
    path
        The list; empty lines and comments in it are skipped.
    skip_other_lines
        Whether lines of any other kind are skipped too: a list outside of a package may hold what
        its user wrote.

    Raises
    ------
    DeepZError
        If it is not the output of sha256sum.
    """
    if path.stat().st_size > _MAX_BYTES:
        raise DeepZError(f"{path.name} is larger than {_MAX_BYTES >> 20} MiB")
    found = {}
    for line in path.read_text(encoding="utf-8", errors="replace").splitlines():
        if not line.strip() or line.startswith("#"):
            continue
        if not (parts := CHECKSUM_LINE.fullmatch(line)):
            if skip_other_lines:
                continue
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
