"""What several tests of the bridge need."""

from __future__ import annotations

import shutil
import subprocess
import zipfile
from pathlib import Path

import pytest

from deepz_zoo.fiji.locate import find_java

# Stand-ins for classes of ImageJ2, which no package registry has.
JAVA_OF_FIJI = Path(__file__).with_name("java_of_fiji")


@pytest.fixture
def fiji(tmp_path: Path) -> Path:
    """Return a folder laid out as a Fiji, with empty jars and a plugin of somebody else."""
    folder = tmp_path / "Fiji.app"
    for name in ("plugins/Other_.jar", "jars/imagej-legacy-2.0.1.jar"):
        (folder / name).parent.mkdir(parents=True)
        (folder / name).touch()
    return folder


@pytest.fixture(scope="session")
def stock_fiji(imagej_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a Fiji as it is downloaded: ImageJ2 and ImageJ, and none of the jars of imglyb."""
    folder = tmp_path_factory.mktemp("stock") / "Fiji.app"
    classes = folder.parent / "classes"
    sources = [str(path) for path in JAVA_OF_FIJI.rglob("*.java")]
    jar = str(imagej_folder / "ij.jar")
    subprocess.run(
        ["javac", "--release", "8", "-nowarn", "-cp", jar, "-d", str(classes), *sources],
        check=True,
        capture_output=True,
    )
    (folder / "jars").mkdir(parents=True)
    packages = {"imagej-2.16.0": "net/imagej", "imagej-legacy-2.0.1": "net/imagej/legacy"}
    for name, package in packages.items():
        with zipfile.ZipFile(folder / "jars" / f"{name}.jar", "w") as archive:
            for path in (classes / package).glob("*.class"):
                archive.write(path, path.relative_to(classes))
    (folder / "jars" / "ij-1.53t.jar").symlink_to((imagej_folder / "ij.jar").resolve())
    shutil.copytree(imagej_folder / "plugins", folder / "plugins")
    return folder


@pytest.fixture
def display() -> list[str]:
    """Return the words that run a program on a display of its own."""
    java = find_java()
    if shutil.which("xvfb-run") is None or java is None or not list(java.rglob("libawt_xawt.so")):
        pytest.skip("needs a display: apt-get install xvfb xauth default-jre imagej")
    return ["xvfb-run", "-a", "-s", "-screen 0 1280x1000x24"]
