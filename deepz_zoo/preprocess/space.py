"""Memory and disk: what there is, and what does not fit."""

from __future__ import annotations

import errno
import os
import sys
from pathlib import Path

from deepz_zoo.errors import DeepZError

_FULL = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})
_UNITS = ("B", "KiB", "MiB", "GiB", "TiB", "PiB")


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


def available_memory() -> int | None:
    """Return how many bytes of memory a program can take, or None where that is not known."""
    try:
        for line in Path("/proc/meminfo").read_text().splitlines():
            name, _, value = line.partition(":")
            if name == "MemAvailable":
                return 1024 * int(value.split()[0])
        return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    except (OSError, ValueError, IndexError, AttributeError):
        return None


def require_memory(size: int, what: str, advice: str) -> None:
    """Refuse what takes more memory than there is, before anything is computed.

    Parameters
    ----------
    size
        Bytes.
    what, advice
        What would take them, and what to do, for the message.

    Raises
    ------
    DeepZError
        With the size and the memory that is available.
    """
    available = available_memory()
    if available is not None and size > available:
        raise DeepZError(
            f"{what} would take {in_units(size)} of memory, and {in_units(available)} are "
            f"available; {advice}"
        )


def in_units(size: float) -> str:
    """Return a number of bytes for a reader, such as ``1.5 GiB``.

    Examples
    --------
    >>> in_units(1536)
    '1.5 KiB'
    """
    exponent = 0
    while size >= 1024 and exponent < len(_UNITS) - 1:
        size, exponent = size / 1024, exponent + 1
    return f"{size:.3g} {_UNITS[exponent]}"
