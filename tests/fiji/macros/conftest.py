"""Run whole macros in ImageJ, with images that a test makes and a program that it writes."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from deepz_zoo.fiji import find_macro, run_macro

# Macro code that makes images; a test names them.
IMAGES = {
    "worm": 'newImage("worm.tif", "16-bit ramp", 64, 48, 1); setVoxelSize(0.325, 0.325, 1, "um");',
    "uncalibrated": 'newImage("worm.tif", "16-bit ramp", 64, 48, 1);',
    "32 bit": 'newImage("f", "32-bit ramp", 64, 48, 5);',
    "worm and DPM": 'newImage("DPM", "32-bit ramp", 64, 48, 1);'
    'newImage("worm.tif", "16-bit ramp", 64, 48, 1); setVoxelSize(0.325, 0.325, 1, "um");',
    "rgb": 'newImage("rgb", "RGB ramp", 64, 48, 1);',
    "z-stack": 'newImage("z", "8-bit ramp", 64, 48, 5); setSlice(4);',
    "output": 'newImage("Output", "8-bit ramp", 64, 48, 5);',
    "series": 'newImage("t", "8-bit grayscale-mode", 64, 48, 2, 1, 3); Stack.setPosition(2, 1, 3);',
    "hyperstack": (
        'newImage("h", "16-bit grayscale-mode", 64, 48, 2, 3, 4); Stack.setPosition(2, 3, 4);'
    ),
}

_CLOSE_ALL = "while (nImages > 0) close();"

# What a macro can say of the active image, as lines.
_DESCRIBE = """
getDimensions(w, h, c, z, t);
getVoxelSize(pixel, pixelY, depth, unit);
x = 0; y = 0; first = 0;
toScaled(x, y, first);
text = getTitle() + "\\n" + c + "," + z + "," + t + "\\n" + bitDepth() + "\\n" + unit + "\\n"
  + d2s(pixel, 6) + "\\n" + d2s(depth, 6) + "\\n" + d2s(first, 6);
for (i = 1; i <= nSlices; i++) {
  if (nSlices > 1) setSlice(i);
  text = text + "\\n" + getMetadata("Label");
}
return text;
"""


@dataclass(frozen=True)
class Opened:
    """The image that was active when a macro had ended."""

    title: str
    channels_slices_frames: tuple[int, ...]
    bits: int
    unit: str
    pixel_size: float
    z_step: float
    first_z: float
    labels: tuple[str, ...]


def _play(imagej: Any, macro: str, options: str = "", *, before: str = "") -> tuple[str, str]:
    """Run one of our macros on an image: (what it returned, what it printed).

    `before` is the name of one of `IMAGES`, or code of its own. It stands in one text with the
    macro, since an error inside of ``runMacro`` would not reach the test.
    """
    printed: list[str] = []
    code = _CLOSE_ALL + IMAGES.get(before, before) + find_macro(macro).read_text(encoding="ascii")
    returned = run_macro(imagej, code, options, output=printed.append)
    return returned or "", "".join(printed)


def _look(
    imagej: Any, macro: str, options: str, *, before: str, save: Path | None = None
) -> Opened:
    """Run the same, and return what is open afterwards; `save` takes a copy of it as TIFF."""
    after = f'save("{save}");' if save else ""
    before = IMAGES.get(before, before)
    code = (
        f'{_CLOSE_ALL} {before} runMacro("{find_macro(macro)}", "{options}"); {after} {_DESCRIBE}'
    )
    lines = (run_macro(imagej, code) or "").split("\n")
    title, dimensions, bits, unit, pixel_size, z_step, first_z, *labels = lines
    return Opened(
        title,
        tuple(map(int, dimensions.split(","))),
        int(bits),
        unit,
        float(pixel_size),
        float(z_step),
        float(first_z),
        tuple(labels),
    )


class Program:
    """A program that stands in for deepz-zoo: writes down its words, and its input as the result.

    Parameters
    ----------
    folder
        Where the program, its records and its copies of the inputs go.
    body
        Python that is run before the result is written; it has `words`, a list.
    """

    def __init__(self, folder: Path, body: str = "") -> None:
        self.folder = folder
        self.path = folder / "deepz-zoo"
        self.path.write_text(
            f"#!{sys.executable}\n"
            "import json, os, pathlib, shutil, sys, time\n"
            f"folder, words = pathlib.Path({str(folder)!r}), sys.argv[1:]\n"
            "if words[0] == '--background':\n"
            "    from deepz_zoo.cli.background import start\n"
            "    worker = [sys.executable, __file__, '--stdout-only', *words[2:]]\n"
            "    start(pathlib.Path(words[1]), worker)\n"
            "    sys.exit(print('exit 0'))\n"
            "(folder / 'words.json').write_text(json.dumps(words))\n"
            f"{body}\n"
            "source, output = (words[words.index('-o') + i] for i in (-1, 1))\n"
            "shutil.copy(source, folder / 'seen.tif')\n"
            "shutil.copy(source, output)\n"
            "print('Warning: the image is a test.', 'done', 'exit 0', sep='\\n')\n",
            encoding="utf-8",
        )
        self.path.chmod(0o755)

    @property
    def options(self) -> str:
        """Return the macro options that name this program and a model."""
        return f"program=[{self.path}] model=leica20x_0.8/TxRd "

    @property
    def words(self) -> list[str]:
        """Return the words that it was last called with, but for the names of its files."""
        words: list[str] = json.loads((self.folder / "words.json").read_text())
        at = words.index("-o")
        return words[: at - 1] + words[at + 2 :]

    @property
    def seen(self) -> Path:
        """Return a copy of the image that it was last given."""
        return self.folder / "seen.tif"


@pytest.fixture
def play(imagej):
    """Return a function that runs a macro: (what it returned, what it printed); see `_play`."""
    return partial(_play, imagej)


@pytest.fixture
def look(imagej):
    """Return a function that runs a macro: what is open then; see `_look`."""
    return partial(_look, imagej)


@pytest.fixture
def make_program(tmp_path) -> Callable[..., Program]:
    """Return a function that writes a `Program` into the test's folder or a new one in it."""

    def make(body: str = "", folder: str = ".") -> Program:
        (tmp_path / folder).mkdir(exist_ok=True)
        return Program(tmp_path / folder, body)

    return make


@pytest.fixture
def program(make_program) -> Program:
    """Return a program that works."""
    return make_program()


@pytest.fixture
def temporary_files(imagej) -> Callable[[], list[Path]]:
    """Return a function that lists what the macros left in the folder for temporary files."""
    folder = Path(str(imagej.java_class("java.lang.System").getProperty("java.io.tmpdir")))
    return lambda: list(folder.glob("deepz_*"))
