"""The menu commands that a plain ij.jar knows headless, where it has no menus.

ImageJ looks up the class of ``run("Gaussian Blur...")`` in a table that it fills while it builds
its menu bar. Without a display there is no menu bar, and no command would be recognized.
"""

from __future__ import annotations

import re
import zipfile
from collections.abc import Iterable, Iterator
from pathlib import Path

# "Name[shortcut]",class or "Name",class("argument"), in IJ_Props.txt and in plugins.config
_ENTRY = re.compile(r'"(?P<label>[^"]+?)(\[[^\]"]*\])?"\s*,\s*(?P<plugin>[\w.$]+(\(.*\))?)\s*$')

# Commands that ImageJ adds to its menus by code, those of them that work without a window.
BUILT_IN = {
    "8-bit": 'ij.plugin.Converter("8-bit")',
    "16-bit": 'ij.plugin.Converter("16-bit")',
    "32-bit": 'ij.plugin.Converter("32-bit")',
    "Analyze Particles...": "ij.plugin.filter.ParticleAnalyzer",
    "Clear": 'ij.plugin.filter.Filler("clear")',
    "Clear Outside": 'ij.plugin.filter.Filler("outside")',
    "Clear Results": 'ij.plugin.filter.Analyzer("clear")',
    "Close": 'ij.plugin.Commands("close")',
    "Close All": 'ij.plugin.Commands("close-all")',
    "Crop": 'ij.plugin.Resizer("crop")',
    "Draw": 'ij.plugin.filter.Filler("draw")',
    "Duplicate...": "ij.plugin.Duplicator",
    "Enhance Contrast...": "ij.plugin.ContrastEnhancer",
    "Fill": 'ij.plugin.filter.Filler("fill")',
    "Find Edges": 'ij.plugin.filter.Filters("edge")',
    "Find Maxima...": "ij.plugin.filter.MaximumFinder",
    "Image Calculator...": "ij.plugin.ImageCalculator",
    "Invert": 'ij.plugin.filter.Filters("invert")',
    "Measure": "ij.plugin.filter.Analyzer",
    "Open...": 'ij.plugin.Commands("open")',
    "Properties...": "ij.plugin.filter.ImageProperties",
    "Rename...": 'ij.plugin.SimpleCommands("rename")',
    "Save": 'ij.plugin.Commands("save")',
    "Scale...": "ij.plugin.Scaler",
    "Set Measurements...": 'ij.plugin.filter.Analyzer("set")',
    "Set Scale...": "ij.plugin.filter.ScaleDialog",
    "Sharpen": 'ij.plugin.filter.Filters("sharpen")',
    "Smooth": 'ij.plugin.filter.Filters("smooth")',
    "Subtract Background...": "ij.plugin.filter.BackgroundSubtracter",
}


def read_entries(lines: Iterable[str]) -> Iterator[tuple[str, str]]:
    """Yield the label and the plugin of every menu entry that lines of settings describe."""
    for line in lines:
        if not line.startswith("#") and (entry := _ENTRY.search(line.rstrip())):
            yield entry["label"], entry["plugin"]


def plugin_entries(folder: Path) -> Iterator[tuple[str, str]]:
    """Yield the label and the plugin of the commands in a folder of plugins, two levels deep.

    As in ImageJ's own menus: a class file or macro with an underscore in its name is a command, the
    underscores of which become blanks (also a trailing one: ``StackReg_`` becomes "StackReg "); a
    jar names its commands in ``plugins.config``.
    """
    for path in sorted([*folder.glob("*"), *folder.glob("*/*")]):
        if path.suffix == ".jar":
            yield from _jar_entries(path)
        elif "_" not in path.stem or "$" in path.stem:
            continue
        elif path.suffix == ".class" and path.parent == folder:
            yield path.stem.replace("_", " "), path.stem
        elif path.suffix in (".ijm", ".txt"):
            yield path.stem.replace("_", " "), f'ij.plugin.Macro_Runner("{path.absolute()}")'


def _jar_entries(path: Path) -> Iterator[tuple[str, str]]:
    try:
        with zipfile.ZipFile(path) as jar:
            text = jar.read("plugins.config").decode("utf-8", "replace")
    except (KeyError, zipfile.BadZipFile, OSError):
        return
    yield from read_entries(text.splitlines())
