"""A macro from the menu, in windows on a display of the test's own."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.java

SCRIPT = Path(__file__).parents[3] / "docs" / "fiji.py"


def test_refocus_from_the_menu(ij_jar, display, tmp_path):
    done = subprocess.run(
        [*display, sys.executable, SCRIPT, tmp_path, "64"],
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    facts = json.loads(done.stdout.splitlines()[-1])
    assert (facts["unit"], facts["z_step_um"], facts["z_origin"]) == ("µm", 2.0, 3.0)
    assert facts["pixel_size_um"] == pytest.approx(0.325)
    assert facts["labels"][::3] == ["z = -6 µm", "z = 0 µm", "z = +6 µm"]
    # The image keeps its name, and that it was not saved yet; the Recorder has a line to repeat.
    assert (facts["image"], facts["changed"]) == ("nuclei.tif", True)
    recorded = 'run("Deep-Z Refocus", "model=leica20x_0.8/TxRd z=-6:6:2 pixel_size=0.0000");'
    assert recorded in facts["recorded"]
    for name in ("menu", "dialog", "result", "surface", "make_dpm"):
        assert (tmp_path / f"fiji_{name}.png").stat().st_size > 2000


def test_prepare_runs_the_menu_command_of_edf(imagej_folder, display):
    """It opens a dialog of its own, so that it runs on a display only."""
    script = Path(__file__).with_name("prepare_in_window.py")
    done = subprocess.run(
        [*display, sys.executable, script, imagej_folder],
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    prepared, late, closed = json.loads(done.stdout.splitlines()[-1])
    assert [float(number) for number in prepared.split()] == [130, 122]
    assert late.startswith("Deep-Z: EDF opened no image within 0.5 s; look for its message")
    assert closed == "Deep-Z: the stack was closed before EDF was done"
