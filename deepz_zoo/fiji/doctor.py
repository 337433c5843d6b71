"""Report what the bridge to ImageJ finds on this computer, and what to do about each gap."""

from __future__ import annotations

import importlib.metadata
import os
import re
import shutil
import sys
import zipfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from deepz_zoo.errors import DeepZError
from deepz_zoo.fiji.install import MACROS_FOLDER, MODELS_FOLDER
from deepz_zoo.fiji.locate import (
    HOW_TO_GET_JAVA,
    Installation,
    find_imagej,
    find_java,
    java_version,
)
from deepz_zoo.fiji.macro_in_child_process import run_in_child
from deepz_zoo.fiji.stackreg_and_edf_by_class import EDF, HOW_TO_GET_PLUGINS, STACKREG, TURBOREG

Purpose = Literal["run", "align", "edf", "refocus", "deepimagej"]

_MIN_JAVA = 11
_START_TIMEOUT_S = 120.0
_NEEDS: dict[Purpose, tuple[str, ...]] = {
    "run": (),
    "align": ("StackReg", "TurboReg", "display"),
    "edf": ("EDF",),
    "refocus": ("macros", "program"),
    "deepimagej": ("Fiji", "deepImageJ", "macros", "models"),
}
PURPOSES: tuple[Purpose, ...] = tuple(_NEEDS)


@dataclass(frozen=True)
class Finding:
    """One thing that was looked for.

    Attributes
    ----------
    name
        What.
    found
        Version or place, or None where it is missing.
    remedy
        What to do where it is missing.
    needed
        Whether the purpose cannot be served without it.
    """

    name: str
    found: str | None
    remedy: str
    needed: bool

    @property
    def stops(self) -> bool:
        """Whether the purpose cannot be served because of this."""
        return self.needed and self.found is None


def examine(fiji: str | os.PathLike[str] | None = None, purpose: Purpose = "run") -> list[Finding]:
    """Look for everything that the bridge uses, and start ImageJ to see whether it starts.

    Parameters
    ----------
    fiji
        Which ImageJ, see `find_imagej`.
    purpose
        What it is used for: running macros, alignment, EDF images, refocusing by this package's
        macros, or models in deepImageJ.
    """
    needs = _NEEDS[purpose]
    try:
        installation, problem = find_imagej(fiji), ""
    except DeepZError as error:
        installation, problem = None, str(error)
    java = _examine_java(installation)
    libraries = _examine_libraries()
    imagej = Finding("ImageJ", None, problem, needed=True)
    if installation is not None:
        ready = java.found is not None and libraries.found is not None
        imagej = _examine_start(installation, ready=ready)
    rest = [
        Finding(name, found, remedy, name in needs)
        for name, found, remedy in _look(installation, _folders(fiji, installation))
        if name != "display" or name in needs
    ]
    return [libraries, java, imagej, *rest]


def _examine_libraries() -> Finding:
    found = []
    for name in ("jpype1", "scyjava"):
        try:
            found.append(f"{name} {importlib.metadata.version(name)}")
        except importlib.metadata.PackageNotFoundError:
            remedy = "pip install 'deepz-zoo[fiji]'"
            return Finding("Python libraries", None, remedy, needed=True)
    return Finding("Python libraries", ", ".join(found), "", needed=True)


def _examine_java(installation: Installation | None) -> Finding:
    home = find_java(installation)
    version = None if home is None else java_version(home)
    if version is None:
        return Finding("Java", None, HOW_TO_GET_JAVA, needed=True)
    major = int(re.split(r"\D", version.removeprefix("1."))[0])
    if major < _MIN_JAVA:
        remedy = f"{home} is Java {version}; {HOW_TO_GET_JAVA} and name its folder in JAVA_HOME"
        return Finding("Java", None, remedy, needed=True)
    return Finding("Java", f"{version} ({home})", "", needed=True)


def _examine_start(installation: Installation, *, ready: bool) -> Finding:
    """Start ImageJ and ask it for its version."""
    if not ready:
        return Finding("ImageJ", f"{installation}, not started", "", needed=True)
    try:
        *_, last = run_in_child(installation, "return getVersion();", timeout_s=_START_TIMEOUT_S)
    except DeepZError as error:
        last = {"error": str(error)}
    if "error" in last:
        return Finding("ImageJ", None, last["error"], needed=True)
    return Finding("ImageJ", f"{last['returned']}, {installation}", "", needed=True)


def _folders(
    fiji: str | os.PathLike[str] | None, installation: Installation | None
) -> tuple[Path, ...]:
    """Return where macros and models may be: `install` writes into the folder that is named.

    That of the plugins is another one where Debian keeps ImageJ, and none where no ImageJ is found.
    """
    named = fiji if fiji is not None else os.environ.get("FIJI_HOME")
    folders = [Path(named).expanduser()] if named else []
    if installation is not None and installation.folder is not None:
        folders.append(installation.folder)
    return tuple(dict.fromkeys(folder.absolute() for folder in folders))


def _look(
    installation: Installation | None, folders: Sequence[Path]
) -> Iterator[tuple[str, str | None, str]]:
    """Yield name, finding and remedy of everything in the folders and on this computer."""
    plugins = None if installation is None else installation.plugins
    is_fiji = installation is not None and installation.kind != "imagej"
    yield (
        "Fiji",
        str(installation) if is_fiji else None,
        "download it from https://fiji.sc, and name its folder by `fiji` or in FIJI_HOME",
    )
    for name, class_name in (("StackReg", STACKREG), ("TurboReg", TURBOREG), ("EDF", EDF)):
        yield name, _find_class(plugins, class_name), HOW_TO_GET_PLUGINS
    yield (
        "deepImageJ",
        _find_jar(plugins, "deepimagej"),
        "in Fiji: Help > Update... > Manage Update Sites, tick DeepImageJ, apply and restart",
    )
    install = "run 'deepz-zoo fiji install'"
    yield "macros", _list(folders, MACROS_FOLDER, "*.ijm"), f"{install} for this folder"
    yield "models", _list(folders, MODELS_FOLDER, "*/rdf.yaml"), f"{install} with a model"
    yield (
        "program",
        shutil.which("deepz-zoo"),
        "put the folder of deepz-zoo on the PATH that Fiji starts with: its macros call it",
    )
    has_display = sys.platform != "linux" or bool(os.environ.get("DISPLAY"))
    yield (
        "display",
        "not needed by Fiji" if is_fiji else "there is one" if has_display else None,
        "StackReg needs a Fiji, or a display: set `fiji`, or use xvfb-run and set `window`",
    )


def _find_class(plugins: Path | None, name: str) -> str | None:
    """Return the jar or class file below the plugins that holds a class."""
    if plugins is None:
        return None
    member = f"{name.replace('.', '/')}.class"
    for path in sorted([*plugins.rglob("*.class"), *plugins.rglob("*.jar")]):
        if path.as_posix().endswith(f"/{member}") or _holds(path, member):
            return str(path.relative_to(plugins.parent))
    return None


def _holds(path: Path, member: str) -> bool:
    try:
        with zipfile.ZipFile(path) as jar:
            return member in jar.namelist()
    except (zipfile.BadZipFile, OSError):
        return False


def _find_jar(plugins: Path | None, word: str) -> str | None:
    jars = [] if plugins is None else sorted(plugins.rglob("*.jar"))
    return next((path.name for path in jars if word in path.name.lower()), None)


def _list(roots: Sequence[Path], folder: str, pattern: str) -> str | None:
    found = [path for root in roots for path in sorted((root / folder).glob(pattern))]
    names = [path.stem if "/" not in pattern else path.parent.name for path in found]
    return ", ".join(dict.fromkeys(names)) or None
