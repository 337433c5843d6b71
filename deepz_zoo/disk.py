"""Full disks: told from other errors, and met before a file is mapped."""

from __future__ import annotations

import errno
import os
import sys
from pathlib import Path

_FULL = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})


def is_disk_full(error: BaseException) -> bool:
    """Tell whether an error, or what caused it, is that of a full disk or quota.

    Libraries in other languages report a full disk by errors of their own, known by their text.
    """
    found: BaseException | None = error
    while found is not None:
        if isinstance(found, OSError) and found.errno in _FULL:
            return True
        if "No space left on device" in str(found):
            return True
        found = found.__cause__ or found.__context__
    return False


def allocate(path: Path, size: int) -> None:
    """Let a file take its space on the disk, up to `size` bytes in all.

    A memory-mapped file on a disk that is full ends the process by a signal; after this it cannot.

    Raises
    ------
    OSError
        If the disk or the quota is full.
    """
    with path.open("r+b") as file:
        if sys.platform != "win32" and hasattr(os, "posix_fallocate"):
            try:
                os.posix_fallocate(file.fileno(), 0, size)
            except OSError as error:
                if error.errno in {errno.EINVAL, errno.EOPNOTSUPP}:
                    return  # not on this file system
                raise OSError(error.errno, error.strerror, str(path)) from error
