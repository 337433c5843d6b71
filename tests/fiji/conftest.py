"""What several tests of the bridge need."""

from __future__ import annotations

from pathlib import Path

import pytest


@pytest.fixture
def fiji(tmp_path: Path) -> Path:
    """Return a folder laid out as a Fiji, with empty jars and a plugin of somebody else."""
    folder = tmp_path / "Fiji.app"
    for name in ("plugins/Other_.jar", "jars/imagej-legacy-2.0.1.jar"):
        (folder / name).parent.mkdir(parents=True)
        (folder / name).touch()
    return folder
