"""A Fiji as it is downloaded: it starts without a display, and in a window that stays open."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from deepz_zoo.fiji import run_macro_file

pytestmark = pytest.mark.java

# Aligns by class and by menu, and looks at what only a complete start of ImageJ2 brings.
SCRIPT = """
import sys
import numpy as np
from deepz_zoo.fiji import run_macro, start_imagej
from deepz_zoo.fiji.stackreg_and_edf_by_class import align_with_stackreg
imagej = start_imagej(sys.argv[1], window=sys.argv[2] == "window")
stack = np.zeros((3, 8, 8), np.uint16)
stack[:, 4, 4] = 500
print(align_with_stackreg(imagej, stack, anchor=0).argmax(axis=(2))[:, 4])
code = 'newImage("a", "8-bit", 8, 8, 3); run("StackReg ", "transformation=Translation");'
print(run_macro(imagej, code + 'return "" + nSlices + " " + getDirectory("imagej");'))
window = imagej.java_class("ij.IJ").getInstance()
print(window is not None and bool(window.isVisible()))
field = imagej.java_class("java.util.ArrayList").class_.getDeclaredField("elementData")
field.setAccessible(True)  # as plugins do
sys.stdout.flush()
"""


def run_script(fiji: Path, mode: str, words: list[str] | None = None) -> list[str]:
    done = subprocess.run(
        [*(words or []), sys.executable, "-c", SCRIPT, fiji, mode],
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    return done.stdout.splitlines()


def test_it_starts_without_a_display(stock_fiji):
    assert run_script(stock_fiji, "headless") == ["[4 5 6]", f"3 {stock_fiji}/", "False"]


def test_it_returns_with_its_window_up(stock_fiji, display):
    assert run_script(stock_fiji, "window", display) == ["[4 5 6]", f"3 {stock_fiji}/", "True"]


def test_macros_run_in_it(stock_fiji, tmp_path):
    macro = tmp_path / "test.ijm"
    macro.write_text('newImage("a", "8-bit", 8, 8, 1); return getDirectory("imagej");')
    assert run_macro_file(macro, fiji=stock_fiji, timeout_s=100).returned == f"{stock_fiji}/"
