"""The memory that there is, so that what is too large is refused before it is begun."""

from __future__ import annotations

import os
from pathlib import Path

from deepz_zoo.errors import DeepZError

_UNITS = ("B", "KiB", "MiB", "GiB", "TiB", "PiB")
_MEMINFO = Path("/proc/meminfo")
# The limit of a container, and what it uses of it.
CGROUPS = (
    (Path("/sys/fs/cgroup/memory.max"), Path("/sys/fs/cgroup/memory.current")),
    (
        Path("/sys/fs/cgroup/memory/memory.limit_in_bytes"),
        Path("/sys/fs/cgroup/memory/memory.usage_in_bytes"),
    ),
)


def refuse_too_large(
    needed_bytes: float, what: str, advice: str = "take a smaller part, or a computer with more"
) -> None:
    """Check that there is memory for something.

    Parameters
    ----------
    needed_bytes
        What it takes at least.
    what
        What takes it, for the message: "worm.tif (100 × 4096 × 4096 px)".
    advice
        What to do.

    Raises
    ------
    DeepZError
        If the computer does not have as much available; the line states both.
    """
    available = available_bytes()
    if available is not None and needed_bytes > available:
        raise DeepZError(
            f"{what} would take {in_units(needed_bytes)} of memory, and {in_units(available)} are "
            f"available; {advice}"
        )


def available_bytes() -> int | None:
    """Return the memory that can be used without swapping; None where that is not known."""
    left = [_left_in_container(limit, used) for limit, used in CGROUPS]
    return min((amount for amount in (_free_bytes(), *left) if amount is not None), default=None)


def _free_bytes() -> int | None:
    """Return the free memory on Linux, that of the whole computer on other systems."""
    if _MEMINFO.is_file():
        for line in _MEMINFO.read_text(encoding="ascii").splitlines():
            if line.startswith("MemAvailable:"):
                return int(line.split()[1]) * 1024
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (OSError, ValueError, AttributeError):  # Windows has no sysconf
        return None


def _left_in_container(limit: Path, used: Path) -> int | None:
    """Return what a container may still use, None where there is no limit."""
    try:
        return max(int(limit.read_text("ascii")) - int(used.read_text("ascii")), 0)
    except (OSError, ValueError):  # no such group, or "max"
        return None


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
