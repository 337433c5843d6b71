"""A known_stack to check the behavior of models with, and a copy of the package to damage."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from deepz_zoo.package.checks.behavior import KnownStack
from tests.builders import blurred_stack


@pytest.fixture(scope="session")
def known_stack() -> KnownStack:
    """Return a known_stack to check the behavior of models with."""
    return KnownStack.of(blurred_stack((48, 64)))


@pytest.fixture
def folder(unpacked: Path, tmp_path: Path) -> Path:
    """Return a copy of the package's folder to damage."""
    return Path(shutil.copytree(unpacked, tmp_path / "package"))
