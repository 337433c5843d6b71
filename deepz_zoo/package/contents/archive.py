"""The zip archive of a package, written the same way every time."""

from __future__ import annotations

import stat
import zipfile
from pathlib import Path

_DATE = (1980, 1, 1, 0, 0, 0)
_PERMISSIONS = 0o644


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
