"""Macros in processes of their own: how they end, well or badly, and always with a message."""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from deepz_zoo.errors import DeepZError
from deepz_zoo.fiji import (
    MacroCanceledError,
    MacroError,
    MacroTimeoutError,
    run_macro_file,
)
from deepz_zoo.images import read_image

OPTION = 'o = "" + call("ij.Macro.getOptions"); path = call("ij.Macro.getValue", o, "output", "");'
SAVE = f'{OPTION} newImage("a", "8-bit ramp", 32, 32, 1); saveAs("tiff", path);'


@pytest.fixture
def macro(tmp_path):
    """Return a function that writes a macro and returns its path."""

    def write(code: str, name: str = "test.ijm"):
        path = tmp_path / name
        path.write_text(code, encoding="utf-8")
        return path

    return write


@pytest.mark.java
def test_a_macro_reads_and_writes_files(imagej_folder, macro, tmp_path):
    path = macro(
        f'{OPTION} open(call("ij.Macro.getValue", o, "input", "")); run("Invert");'
        'print("1/2 open"); saveAs("tiff", path); print("µ"); return getTitle();'
    )
    first = tmp_path / "first image.tif"
    run_macro_file(macro(SAVE, "make.ijm"), output=first, fiji=imagej_folder)
    seen: list[str] = []
    done = run_macro_file(
        path,
        input=first,
        output=tmp_path / "inverted.tif",
        fiji=imagej_folder,
        on_line=seen.append,
    )
    assert done.printed == ("1/2 open", "µ") == tuple(seen)
    assert done.returned == "inverted.tif"
    assert done.output == tmp_path / "inverted.tif"
    assert (read_image(done.output).data == 255 - read_image(first).data).all()


@pytest.mark.java
def test_it_runs_in_the_folder_of_imagej(imagej_folder, macro, tmp_path, monkeypatch):
    """There deepImageJ finds its models and engines, or installs them."""
    monkeypatch.chdir(tmp_path)
    code = 'return call("java.lang.System.getProperty", "user.dir") + " " + getArgument();'
    done = run_macro_file(
        macro(code), options={"weights": Path("best.safetensors")}, fiji=imagej_folder
    )
    assert done.returned == f"{imagej_folder} weights={tmp_path / 'best.safetensors'}"


@pytest.mark.java
@pytest.mark.parametrize("locale", ["C", "C.UTF-8"])
def test_names_beyond_ascii(imagej_folder, macro, tmp_path, monkeypatch, locale):
    monkeypatch.setenv("LC_ALL", locale)
    folder = tmp_path / "Größe µ"
    folder.mkdir()
    inner, outer = f"{folder.name}/grün.ijm", f"{folder.name}/äußere.ijm"
    macro('return "inner, ";', inner)  # ImageJ itself reads the text of a macro as Latin-1
    code = f'return runMacro("{tmp_path / inner}") + exec("echo", "äµ") + getArgument();'
    done = run_macro_file(macro(code, outer), input=tmp_path / inner, fiji=imagej_folder)
    assert done.returned == f"inner, äµ\ninput=[{tmp_path / inner}]"


@pytest.mark.java
def test_two_run_at_once(imagej_folder, macro, tmp_path):
    path = macro(
        f'{SAVE} wait(300); return call("java.lang.System.getProperty", "java.io.tmpdir");'
    )
    outputs = [tmp_path / f"{name}.tif" for name in "ab"]
    with ThreadPoolExecutor(2) as pool:
        first, second = pool.map(
            lambda output: run_macro_file(path, output=output, fiji=imagej_folder), outputs
        )
    assert first.returned != second.returned
    assert all(output.is_file() for output in outputs)


@pytest.mark.java
@pytest.mark.parametrize(
    ("code", "message"),
    [
        ('print("last words");', "ended without writing .*out.tif; its last line: last words"),
        ('exit("no model installed: see deepz-zoo fiji install");', "test.ijm: no model installed"),
        ('call("Exit_.exit");', "ImageJ ended the program"),
        ('newImage("a", "8-bit", 8, 8, 1); run("Close All"); run("Invert");', "no images open"),
    ],
)
def test_bad_ends_are_told(imagej_folder, macro, tmp_path, code, message):
    with pytest.raises(MacroError, match=message):
        run_macro_file(macro(code), output=tmp_path / "out.tif", fiji=imagej_folder)


@pytest.mark.java
def test_an_old_output_is_not_taken_for_success(imagej_folder, macro, tmp_path):
    (output := tmp_path / "out.tif").write_bytes(b"old")
    with pytest.raises(MacroError, match="ended without writing"):
        run_macro_file(macro("x = 1;"), output=output, fiji=imagej_folder)
    assert output.read_bytes() == b"old"


@pytest.mark.java
@pytest.mark.skipif(sys.platform == "win32", reason="needs a POSIX shell")
@pytest.mark.parametrize(
    "code", ["wait(60000);", 'exec("sh", "-c", "sleep 60");', 'exec("sh", "-c", "yes 1>&2");']
)
def test_the_time_allowed_ends_it_with_all_it_started(imagej_folder, macro, code):
    start = time.monotonic()
    with pytest.raises(MacroTimeoutError, match="did not end within 3 s"):
        run_macro_file(macro(code), fiji=imagej_folder, timeout_s=3)
    assert time.monotonic() - start < 50  # it did not wait for the command


@pytest.mark.java
@pytest.mark.skipif(sys.platform == "win32", reason="needs a POSIX shell")
def test_what_it_started_ends_with_it(imagej_folder, macro, tmp_path):
    pid_file = tmp_path / "pid"
    path = macro(f'print("go"); exec("sh", "-c", "echo $$ > {pid_file}; exec sleep 60");')
    cancel = threading.Event()

    def wait_for_child() -> None:
        while not (pid_file.exists() and pid_file.read_text().strip()):
            time.sleep(0.05)
        cancel.set()

    watcher = threading.Thread(target=wait_for_child)
    watcher.start()
    with pytest.raises(MacroCanceledError, match="canceled"):
        run_macro_file(path, fiji=imagej_folder, cancel=cancel, timeout_s=100)
    watcher.join()
    state = subprocess.run(
        ["ps", "-o", "stat=", "-p", pid_file.read_text().strip()],
        capture_output=True,
        text=True,
        check=False,
    ).stdout.strip()
    assert state == "" or state.startswith("Z")


@pytest.mark.java
@pytest.mark.skipif(sys.platform == "win32", reason="needs a POSIX shell")
def test_a_flood_of_output_is_read(imagej_folder, macro):
    code = 'x = exec("sh", "-c", "yes | head -c 3000000"); return "" + lengthOf(x);'
    done = run_macro_file(macro(code), fiji=imagej_folder, timeout_s=100)
    assert int(done.returned) == pytest.approx(3_000_000, abs=10)


@pytest.mark.java
def test_the_program_of_this_environment_is_found(imagej_folder, macro):
    if not (Path(sys.executable).parent / "deepz-zoo").exists():
        pytest.skip("install the package into this environment: pip install -e .")
    done = run_macro_file(macro('return exec("deepz-zoo", "--version");'), fiji=imagej_folder)
    assert done.returned.startswith("deepz-zoo, version")


def test_what_is_missing_is_named(tmp_path, macro):
    with pytest.raises(DeepZError, match="gone.tif: no such file"):
        run_macro_file(macro("x = 1;"), input=tmp_path / "gone.tif")
    with pytest.raises(DeepZError, match="the folder .* does not exist"):
        run_macro_file(macro("x = 1;"), output=tmp_path / "gone" / "a.tif")
