"""A viewer of napari without a window."""

from __future__ import annotations

import os
import shutil

import pytest

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")


@pytest.fixture
def viewer(qtbot):
    """Return a viewer as the widget knows it: layers and the point that is shown."""
    pytest.importorskip("napari", reason="pip install 'deepz-zoo[napari]' PyQt6 pytest-qt")
    from napari.components import ViewerModel

    return ViewerModel()


@pytest.fixture
def display() -> list[str]:
    """Return the command that runs another one on a virtual display."""
    pytest.importorskip("napari", reason="pip install 'deepz-zoo[napari]' PyQt6 pytest-qt")
    if shutil.which("xvfb-run") is None:
        pytest.skip("needs a virtual display: apt-get install xvfb xauth")
    return ["xvfb-run", "-a", "-s", "-screen 0 1400x900x24"]
