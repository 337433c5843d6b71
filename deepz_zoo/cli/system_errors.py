"""A line for what the operating system refused."""

from __future__ import annotations

from deepz_zoo.disk import is_disk_full


def system_error_line(error: Exception) -> str | None:
    """Return a line for what the operating system refused, or None for any other error.

    Libraries such as safetensors report a full disk by errors of their own, known by their text.
    """
    if is_disk_full(error):
        place = getattr(error, "filename", None)
        return f"disk full{f' while writing {place}' if place else ''}; free some space and repeat"
    if isinstance(error, OSError) and error.strerror is not None:
        place = f"{error.filename}: " if error.filename is not None else ""
        return f"{place}{error.strerror}"
    if isinstance(error, MemoryError):
        return f"not enough memory ({error})" if str(error) else "not enough memory"
    return None
