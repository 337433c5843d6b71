"""Versions of the libraries that compute."""

from __future__ import annotations

from importlib import metadata


def version_of(project: str) -> str:
    """Return the version of an installed project without the name of its build, as in +cpu."""
    return metadata.version(project).partition("+")[0]
