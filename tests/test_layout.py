"""The walls of the house: imports go one way, and only the command line prints."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

import deepz_zoo

PACKAGE = Path(deepz_zoo.__file__).parent

# A module imports from its own folder and from those above it.
ORDER = (
    "errors",
    "extras",
    "disk",
    "files",
    "progress",
    "memory",
    "optics",
    "images",
    "intensities",
    "dpm",
    "network",
    "records",
    "simulate",
    "preprocess",
    "training",
    "zoo",
    "engines",
    "refocus",
    "measure",
    "calibrate",
    "evaluation",
    "cards",
    "experiments",
    "package",
    "models",
    "model",
    "web",
    "fiji",
    "napari",
    "cli",
)
# The same inside of folders: a part imports from those before it.
PARTS = {
    "network": (
        "config",
        "layers",
        "generator",
        "growth",
        "discriminator",
        "losses",
        "weights",
        "graph",
    ),
    "preprocess": ("align", "focus", "regions", "dataset"),
    "package": ("contents", "reading", "checks", "build"),
}
MODULES = sorted(
    path for path in PACKAGE.rglob("*.py") if path.parent != PACKAGE or path.stem in ORDER
)


def imported_modules(tree: ast.AST) -> list[list[str]]:
    """Return the modules of the package that a module imports from, inside functions too."""
    names = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module:
            names.add(node.module)
        elif isinstance(node, ast.Import):
            names.update(alias.name for alias in node.names)
    parts = [name.split(".") for name in names]
    return [part[1:] for part in parts if part[0] == "deepz_zoo" and len(part) > 1]


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_imports_go_one_way(path):
    place = ORDER.index(path.relative_to(PACKAGE).parts[0].removesuffix(".py"))
    below = {
        folder
        for folder, *_ in imported_modules(ast.parse(path.read_text(encoding="utf-8")))
        if ORDER.index(folder) > place
    }
    assert not below


@pytest.mark.parametrize(
    ("folder", "part"), [(folder, part) for folder, parts in PARTS.items() for part in parts]
)
def test_imports_inside_of_a_folder_go_one_way(folder, part):
    home = PACKAGE / folder / part
    paths = sorted(home.rglob("*.py")) or [home.with_suffix(".py")]
    later = PARTS[folder][PARTS[folder].index(part) + 1 :]
    for path in paths:
        modules = imported_modules(ast.parse(path.read_text(encoding="utf-8")))
        assert not {name[1] for name in modules if name[0] == folder and len(name) > 1} & set(later)


@pytest.mark.parametrize("folder", PARTS)
def test_every_part_of_a_folder_has_its_place(folder):
    names = {path.stem for path in (PACKAGE / folder).iterdir() if path.suffix in ("", ".py")}
    assert names - {"__init__", "__pycache__"} == set(PARTS[folder])


@pytest.mark.parametrize(
    "path",
    [path for path in MODULES if path.relative_to(PACKAGE).parts[0] != "cli"],
    ids=lambda path: str(path.relative_to(PACKAGE)),
)
def test_only_the_command_line_prints(path):
    calls = (
        node.func.id
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)
    )
    assert "print" not in set(calls)


def test_the_floor_plan_of_contributing_is_that_of_the_house():
    page = (PACKAGE.parent / "CONTRIBUTING.md").read_text(encoding="utf-8")
    plan = page.partition("\ndeepz_zoo/\n")[2].partition("```")[0]
    assert tuple(re.findall(r"^  (\w+)(?:/|\.py) ", plan, re.MULTILINE)) == ORDER


def test_no_unpickling():
    for path in MODULES:
        source = path.read_text(encoding="utf-8")
        assert "import pickle" not in source
        assert "weights_only=False" not in source
