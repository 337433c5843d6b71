"""``SHA256SUMS``, which lists the hashes of files as sha256sum does."""

from __future__ import annotations

import re
from pathlib import Path

from deepz_zoo.files import replacing, sha256_of

CHECKSUMS_NAME = "SHA256SUMS"

# An asterisk marks files that were read as binary.
CHECKSUM_LINE = re.compile(r"(?P<digest>[0-9a-fA-F]{64}) [ *](?P<name>.+)")


def write_checksums(folder: Path) -> None:
    """Write ``SHA256SUMS`` for all files of `folder`, as sha256sum does.

    The description does not name this list, since the list states the hash of the description.
    """
    lines = [
        _sums_line(sha256_of(file), file.name)
        for file in sorted(folder.iterdir(), key=lambda file: file.name)
        if file.name != CHECKSUMS_NAME
    ]
    (folder / CHECKSUMS_NAME).write_text("".join(lines), encoding="utf-8", newline="\n")


def list_checksum(path: Path, digest: str) -> None:
    """Write a file's SHA-256 into ``SHA256SUMS`` beside it; the lines of other files stay."""
    sums = path.with_name(CHECKSUMS_NAME)
    lines = (
        sums.read_text(encoding="utf-8", errors="surrogateescape").splitlines()
        if sums.is_file()
        else []
    )
    others = [f"{line}\n" for line in lines if _listed_name(line) != path.name]
    with replacing(sums) as temporary:
        text = "".join([*others, _sums_line(digest, path.name)])
        temporary.write_text(text, encoding="utf-8", errors="surrogateescape", newline="\n")


def _listed_name(line: str) -> str | None:
    parts = CHECKSUM_LINE.fullmatch(line)
    return parts["name"] if parts else None


def _sums_line(digest: str, name: str) -> str:
    return f"{digest}  {name}\n"
