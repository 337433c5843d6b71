"""Find Java, and an ImageJ to run in it: a Fiji folder, a plain ij.jar, or Maven coordinates."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from deepz_zoo.errors import DeepZError

Kind = Literal["fiji", "imagej", "maven"]

HOW_TO_GET_JAVA = "install Java 11 or newer (Debian: apt-get install default-jre-headless)"
HOW_TO_GET_IMAGEJ = (
    "download Fiji and name its folder by `fiji` or in FIJI_HOME, or install ImageJ "
    "(Debian: apt-get install imagej)"
)

_MAVEN = re.compile(r"^[\w.-]+(:[\w.-]+){1,2}(\+[\w.-]+(:[\w.-]+){1,2})*$")
_FIJI_PLACES = ("~/Fiji.app", "~/Fiji", "/opt/Fiji.app", "/opt/Fiji", "/opt/fiji/Fiji.app")
_FIJI_PLACES_MACOS = ("/Applications/Fiji.app", "/Applications/Fiji", "~/Desktop/Fiji.app")
_FIJI_PLACES_WINDOWS = ("C:/Fiji.app", "C:/Fiji", "C:/Program Files/Fiji.app")
_DEBIAN_USER_PLUGINS = Path("~/.imagej/plugins")
_JAR_PLACES = ("/usr/share/java/ij.jar", "/usr/share/imagej/ij.jar", "~/ImageJ/ij.jar")


@dataclass(frozen=True)
class Installation:
    """An ImageJ that can be started.

    Attributes
    ----------
    kind
        ``fiji``: a folder with ImageJ2 and its jars; ``imagej``: a plain ij.jar; ``maven``:
        coordinates that Maven downloads.
    place
        Folder, jar or coordinates.
    plugins
        The folder of its plugins, or None.
    """

    kind: Kind
    place: str
    plugins: Path | None

    @property
    def folder(self) -> Path | None:
        """The folder of the Fiji or ImageJ, in which it expects to run, or None."""
        return None if self.plugins is None else self.plugins.parent

    def __str__(self) -> str:
        """Return kind and place for messages."""
        names = {"fiji": "Fiji", "imagej": "ImageJ", "maven": "ImageJ by Maven"}
        return f"{names[self.kind]} ({self.place})"


def find_imagej(fiji: str | os.PathLike[str] | None = None) -> Installation:
    """Find the ImageJ to start.

    Parameters
    ----------
    fiji
        A Fiji folder, an ImageJ folder (also Debian's ``/usr/share/imagej``), an ij.jar, or Maven
        coordinates such as ``sc.fiji:fiji``. By default what the environment variables
        ``FIJI_HOME`` and ``IJ_JAR`` name, then a Fiji and then an ij.jar in the usual places.

    Raises
    ------
    DeepZError
        If `fiji`, or what a variable names, is none of these; or if no ImageJ is found.
    """
    if fiji is not None:
        return _installation(os.fspath(fiji), "")
    for variable in ("FIJI_HOME", "IJ_JAR"):
        if named := os.environ.get(variable):
            return _installation(named, f" (named by {variable})")
    for candidate in usual_places():
        if candidate.exists():
            return _installation(str(candidate), "")
    raise DeepZError(f"no ImageJ found; {HOW_TO_GET_IMAGEJ}")


def _installation(place: str, named_by: str) -> Installation:
    path = Path(place).expanduser()
    if path.is_file() and path.suffix == ".jar":
        return Installation("imagej", str(path.absolute()), _plugins_of_jar(path))
    if path.is_dir():
        if _is_fiji(path):
            return Installation("fiji", str(path.absolute()), path.absolute() / "plugins")
        if (jar := path / "ij.jar").is_file():
            return Installation("imagej", str(jar.absolute()), _folder(path / "plugins"))
        if path.name == "imagej" and (jar := path.parent / "java" / "ij.jar").is_file():
            return Installation("imagej", str(jar.absolute()), _plugins_of_jar(jar))
        raise DeepZError(
            f"{path}{named_by}: neither a Fiji folder (with jars/ and plugins/) nor one with an "
            f"ij.jar; {HOW_TO_GET_IMAGEJ}"
        )
    if _MAVEN.match(place):
        return Installation("maven", place, None)
    raise DeepZError(
        f"{place}{named_by}: no such folder or jar; expected a Fiji folder, an ij.jar or Maven "
        "coordinates such as sc.fiji:fiji"
    )


def _plugins_of_jar(jar: Path) -> Path | None:
    """Return the folder of the plugins of an ij.jar, or None.

    Debian keeps the jar in ``/usr/share/java`` and plugins in ``/usr/share/imagej/plugins``. Its
    program ``imagej`` links these into ``~/.imagej/plugins``, where users add their own.
    """
    if jar.parent.name == "java":
        for folder in (_DEBIAN_USER_PLUGINS.expanduser(), jar.parents[1] / "imagej" / "plugins"):
            if folder.is_dir() and any(folder.iterdir()):
                return folder.absolute()
    return _folder(jar.parent / "plugins")


def _is_fiji(folder: Path) -> bool:
    """Recognize a Fiji by imagej-legacy, which lets the plugins of ImageJ run headless."""
    jars = folder / "jars"
    return (folder / "plugins").is_dir() and any(jars.glob("imagej-legacy*.jar"))


def _folder(path: Path) -> Path | None:
    return path.absolute() if path.is_dir() else None


def usual_places() -> Iterator[Path]:
    """Yield the Fijis and then the ij.jars in the places where they usually are."""
    of_system = {"darwin": _FIJI_PLACES_MACOS, "win32": _FIJI_PLACES_WINDOWS}.get(sys.platform, ())
    fijis = (Path(place).expanduser() for place in (*_FIJI_PLACES, *of_system))
    yield from (folder for folder in fijis if _is_fiji(folder))
    yield from _jars_of_debian()
    yield from (Path(place).expanduser() for place in _JAR_PLACES)


def _jars_of_debian() -> Iterator[Path]:
    """Yield the ij.jar of Debian's package, whose place depends on its version."""
    if shutil.which("dpkg") is None:
        return
    listed = subprocess.run(
        ["dpkg", "-L", "libij-java"], capture_output=True, text=True, check=False
    ).stdout
    yield from (Path(line) for line in listed.splitlines() if line.endswith("/ij.jar"))


def find_java(installation: Installation | None = None) -> Path | None:
    """Return the home folder of the Java to use, or None.

    First the one of ``JAVA_HOME``, then that inside the Fiji, then ``java`` on the path.
    """
    named = os.environ.get("JAVA_HOME")
    if named and _java_program(Path(named)):
        return Path(named)
    if installation is not None and installation.kind == "fiji":
        # java/linux64/zulu21…/ in some releases, and one folder deeper on macOS
        for program in sorted(Path(installation.place).glob("java/*/**/bin/java*")):
            if program.stem == "java":
                return program.parent.parent
    on_path = shutil.which("java")
    return Path(on_path).resolve().parent.parent if on_path else None


def _java_program(home: Path) -> Path | None:
    program = home / "bin" / ("java.exe" if sys.platform == "win32" else "java")
    return program if program.is_file() else None


def java_version(home: Path) -> str | None:
    """Return the version of the Java in a home folder, such as ``17.0.15``, or None."""
    program = _java_program(home)
    if program is None:
        return None
    done = subprocess.run([program, "-version"], capture_output=True, text=True, check=False)
    found = re.search(r'version "([^"]+)"', done.stderr)
    return found[1] if found else None
