"""One ImageJ in a process, and no silent end of it."""

from __future__ import annotations

import os
import platform
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from deepz_zoo.errors import DeepZError
from deepz_zoo.fiji import start_imagej

pytestmark = pytest.mark.java


def run_python(script: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", script],
        capture_output=True,
        text=True,
        env={**os.environ, **environment},
        timeout=120,
        check=False,
    )


def test_there_is_one_imagej(imagej, imagej_folder, tmp_path):
    assert imagej.version.startswith("1.")
    assert start_imagej() is start_imagej(imagej_folder) is imagej
    (other := tmp_path / "other.jar").touch()
    with pytest.raises(DeepZError, match="runs in this process already"):
        start_imagej(other)


def test_temporary_files_are_its_own(imagej):
    folder = Path(str(imagej.java_class("java.lang.System").getProperty("java.io.tmpdir")))
    assert folder.is_dir()
    assert folder.name.startswith(f"deepz-{platform.node()}-imagej-")


def test_a_class_that_is_missing(imagej):
    assert imagej.has_class("StackReg_")
    assert not imagej.has_class("bunwarpj.bUnwarpJ_")
    with pytest.raises(DeepZError, match="has no class no.such.Class"):
        imagej.java_class("no.such.Class")


def test_an_exit_in_java_is_not_silent(ij_jar):
    done = run_python(
        "from deepz_zoo.fiji import start_imagej\n"
        "imagej = start_imagej()\n"
        "print('before')\n"
        "imagej.java_class('ij.IJ').getImage()\n"
        "print('after')\n",
        IJ_JAR=str(ij_jar),
    )
    assert done.returncode == 2
    assert "after" not in done.stdout
    assert done.stderr.startswith("Error: ImageJ ended the program")


def test_the_end_of_python_is_an_ordinary_one(ij_jar, tmp_path):
    done = run_python(
        "from deepz_zoo.fiji import start_imagej\nstart_imagej()",
        IJ_JAR=str(ij_jar),
        TMPDIR=str(tmp_path),
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert not list(tmp_path.glob("deepz-*imagej-*"))


def test_an_incomplete_fiji_is_one_clear_error(ij_jar, fiji):
    done = run_python(f"from deepz_zoo.fiji import start_imagej\nstart_imagej({str(fiji)!r})")
    assert "no imagej jar: this Fiji is incomplete; download it again" in done.stderr


def test_an_imagej_that_is_too_old_is_one_clear_error(imagej_folder, tmp_path):
    """Before 1.53 the macro interpreter does not say what went wrong in it."""
    source = tmp_path / "ij" / "macro" / "Interpreter.java"
    source.parent.mkdir(parents=True)
    source.write_text(
        "package ij.macro; public class Interpreter { public static boolean batchMode; }"
    )
    subprocess.run(["javac", "--release", "8", "-nowarn", source], check=True, capture_output=True)
    old = shutil.copy(imagej_folder / "ij.jar", tmp_path)
    subprocess.run(
        ["jar", "uf", old, "-C", tmp_path, "ij/macro/Interpreter.class"],
        check=True,
        capture_output=True,
    )
    done = run_python(
        "from deepz_zoo.fiji import run_macro, start_imagej\n"
        f"run_macro(start_imagej({str(old)!r}), 'return 1;')"
    )
    assert "which is too old to report the errors of macros; update it" in done.stderr


@pytest.mark.skipif(sys.platform == "win32", reason="needs fork and SIGTERM")
def test_java_leaves_signals_to_python(ij_jar):
    done = run_python(
        "import os, signal, time\n"
        "from deepz_zoo.fiji import start_imagej\n"
        "start_imagej()\n"
        "if (child := os.fork()) == 0:\n"
        "    time.sleep(20)\n"
        "    os._exit(0)\n"
        "os.kill(child, signal.SIGTERM)\n"
        "print(os.WTERMSIG(os.waitpid(child, 0)[1]) == signal.SIGTERM)\n"
        "signal.signal(signal.SIGTERM, lambda *_: print('cleaned up'))\n"
        "os.kill(os.getpid(), signal.SIGTERM)\n",
        IJ_JAR=str(ij_jar),
    )
    assert (done.returncode, done.stdout) == (0, "True\ncleaned up\n"), done.stderr


def test_missing_java_is_one_clear_error(ij_jar):
    done = run_python(
        "from deepz_zoo.fiji import start_imagej\nstart_imagej()",
        IJ_JAR=str(ij_jar),
        JAVA_HOME="",
        PATH="",
    )
    assert "no Java found; install Java 11 or newer" in done.stderr


@pytest.mark.skipif(sys.platform != "linux", reason="needs Linux: elsewhere there is a display")
def test_a_missing_display_is_one_clear_error(ij_jar):
    done = run_python(
        "from deepz_zoo.fiji import start_imagej\nstart_imagej(window=True)",
        IJ_JAR=str(ij_jar),
        DISPLAY="",
    )
    assert "there is no display to run ImageJ on" in done.stderr


def test_a_plugin_of_debian_is_found(ij_jar):
    """Another plugin than ours, as Debian installs it."""
    if not Path("/usr/share/imagej/plugins/Orthanc_Import.jar").is_file():
        pytest.skip("needs a plugin of Debian: apt-get install orthanc-imagej")
    done = run_python(
        "from deepz_zoo.fiji import start_imagej\n"
        "imagej = start_imagej('/usr/share/imagej')\n"
        "print(imagej.java_class('ij.Menus').getCommands().get('Orthanc'))\n"
        "print(imagej.has_class('com.orthancserver.Orthanc'))\n",
    )
    assert done.stdout.splitlines() == ["com.orthancserver.Orthanc", "True"]
