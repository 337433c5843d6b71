"""The plugin in napari itself: found by its manifest, docked, with a sample of its menu."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image as Picture

SCRIPT = Path(__file__).with_name("window.py")

pytestmark = pytest.mark.slow


def test_sample_is_refocused_in_a_window(display, tmp_path):
    picture = tmp_path / "window.png"
    settings = {"QT_QPA_PLATFORM": "xcb", "NAPARI_CONFIG": str(tmp_path / "napari.yaml")}
    done = subprocess.run(
        [*display, sys.executable, str(SCRIPT), str(picture)],
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
        env={**os.environ, **settings, "PYTHONPATH": str(SCRIPT.parents[2])},
    )
    assert "(5, 192, 256)" in done.stdout, done.stderr
    assert "5 planes, 256 × 192 px, z = -6 to +6 µm" in done.stdout
    with Picture.open(picture) as shown:
        assert np.asarray(shown.convert("L")).max() > 200
