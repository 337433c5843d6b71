"""Refocusing by macro when something goes wrong, or several things happen at once."""

from __future__ import annotations

import os
import re
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
import tifffile

from deepz_zoo.fiji import MacroError, find_macro, run_macro, run_macro_file

pytestmark = pytest.mark.java

SYSTEM = "leica20x_0.8/TxRd"


@pytest.mark.parametrize(
    ("macro", "options", "message"),
    [
        ("Refocus", "{program} z=1", "no model named; expected model=OBJECTIVE/CHANNEL"),
        ("Refocus", "{program} {model}", "no distance named; expected z=5"),
        ("Refocus", "{model} z=1 program=/none", "program=/none: there is no such file"),
        ("Refocus", '{program} {model} z=1 output=[/a"b.tif]', "quotation marks are not possible"),
        (
            "Refocus_Surface",
            "{program} {model} surface=ball",
            "surface=ball: expected surface=tilt",
        ),
        ("Refocus_Surface", "{program} {model} surface=tilt", "surface=tilt needs tilt="),
        ("Refocus_Surface", "{program} {model} tilt=1", "surface=: expected surface=tilt"),
    ],
)
def test_incomplete_options(play, program, macro, options, message):
    options = options.format(program=f"program=[{program.path}]", model=f"model={SYSTEM}")
    with pytest.raises(MacroError, match=re.escape(message)):
        play(f"Deep-Z_{macro}", options, before="worm")


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ("print('Error: the image is bad', 'exit 2', sep='\\n'); sys.exit(2)", "the image is bad"),
        ("print('exit 130'); sys.exit(130)", "deepz-zoo ended with exit 130"),
        ("sys.exit(1)", r"did not work \(\); run it in a terminal to see why"),
        ("print('nonsense'); sys.exit(0)", r"did not work \(nonsense *\); run it"),
        (
            "print('noise ' * 500_000, 'Error: ' + 'x' * 9999, 'exit 2', sep='\\n'); sys.exit(2)",
            r"Deep-Z: x{300,500} \.\.\.",
        ),
    ],
    ids=["error", "interrupted", "silent", "foreign", "flood"],
)
def test_a_program_that_fails_is_a_short_message(
    play, make_program, temporary_files, body, message
):
    options = f"{make_program(body).options}z=1"
    with pytest.raises(MacroError, match=message) as caught:
        play("Deep-Z_Refocus", options, before="worm")
    assert len(str(caught.value)) < 1000
    assert temporary_files() == []


def test_a_program_is_looked_for_in_the_usual_places(
    make_program, imagej_folder, monkeypatch, tmp_path
):
    """Neither the PATH nor the home of whoever runs the tests has a say in what is found."""
    for installed in ("/usr/local/bin/deepz-zoo", "/opt/homebrew/bin/deepz-zoo"):
        if Path(installed).exists():
            pytest.skip(f"{installed} is there and would be found; run this without it")
    home, path = tmp_path / "home", tmp_path / "path"
    (home / ".local/bin").mkdir(parents=True)
    path.mkdir()
    (path / "which").write_text("#!/bin/sh\nexit 1\n")
    (path / "which").chmod(0o755)
    monkeypatch.setenv("PATH", f"{path}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setenv("JAVA_TOOL_OPTIONS", f"-Duser.home={home}")
    tifffile.imwrite(tmp_path / "in.tif", np.ones((32, 32), np.uint16), imagej=True)

    def run() -> None:
        run_macro_file(
            "Deep-Z_Refocus",
            input=tmp_path / "in.tif",
            output=tmp_path / "out.tif",
            options={"model": SYSTEM, "z": 1},
            fiji=imagej_folder,
            timeout_s=100,
        )

    with pytest.raises(MacroError, match="deepz-zoo was not found; install it"):
        run()
    program = make_program()
    (home / ".local/bin/deepz-zoo").symlink_to(program.path)
    run()
    assert program.words[1] == "refocus"


def test_esc_ends_the_macro_at_once_and_then_the_program(
    play, make_program, imagej, temporary_files, tmp_path
):
    program = make_program("(folder / 'pid').write_text(str(os.getpid())); time.sleep(100)")
    pressed: list[float] = []

    def press_esc() -> None:
        wait_until((tmp_path / "pid").exists)
        pressed.append(time.monotonic())
        imagej.java_class("ij.macro.Interpreter").abort()  # as ImageJ does then

    pressing = threading.Thread(target=press_esc)
    pressing.start()
    play("Deep-Z_Refocus", f"{program.options}z=1", before="worm")
    assert time.monotonic() - pressed[0] < 5
    pressing.join()
    wait_until(lambda: temporary_files() == [])  # the program's end, and what the macro has left
    with pytest.raises(ProcessLookupError):
        os.kill(int((tmp_path / "pid").read_text()), 0)


def wait_until(condition: Callable[[], bool]) -> None:
    end = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.05)


def test_paths_with_blanks(play, make_program, tmp_path):
    program = make_program(folder="my programs")
    source, output = (
        tmp_path / "my programs" / "in put.tif",
        tmp_path / "my programs" / "out put.tif",
    )
    tifffile.imwrite(source, np.zeros((32, 32), np.uint16))
    play("Deep-Z_Refocus", f"{program.options}z=1 input=[{source}] output=[{output}]")
    assert output.is_file()


@pytest.mark.parametrize(
    ("path", "word"),
    [
        (r"C:\\my data\\new image.tif", '"C:/my data/new image.tif"'),
        (r"\\\\server\\my data\\", '"//server/my data/"'),  # \" would be a quotation mark there
        ("/my data/a'b.tif", '"/my data/a\'b.tif"'),
    ],
)
def test_words_for_exec(imagej, path, word):
    """Java puts words with blanks in quotation marks itself, on Windows, too."""
    text = find_macro("Deep-Z_Refocus").read_text(encoding="ascii")
    functions = text[text.index("function findProgram") :]
    assert run_macro(imagej, f'return "" + quoted("{path}");\n{functions}') == word


def test_two_runs_at_once(make_program, imagej_folder, tmp_path):
    def run(value: int) -> int:
        folder = tmp_path / str(value)
        program = make_program("time.sleep(1)", folder.name)
        tifffile.imwrite(folder / "in.tif", np.full((32, 32), value, np.uint16), imagej=True)
        run_macro_file(
            "Deep-Z_Refocus",
            input=folder / "in.tif",
            output=folder / "out.tif",
            options={"program": program.path, "model": SYSTEM, "z": 1},
            fiji=imagej_folder,
            timeout_s=100,
        )
        return int(tifffile.imread(folder / "out.tif").max())

    with ThreadPoolExecutor(2) as pool:
        assert list(pool.map(run, (1, 2))) == [1, 2]


def test_an_image_that_is_closed_meanwhile_is_refocused_all_the_same(
    look, make_program, imagej, tmp_path
):
    wait = (
        "(folder / 'started').touch()\n"
        "while not (folder / 'closed').exists() and time.monotonic() < start + 30: time.sleep(0.05)"
    )
    program = make_program(f"start = time.monotonic()\n{wait}")

    def close() -> None:
        while not (tmp_path / "started").exists() and time.monotonic() < start + 30:
            time.sleep(0.05)
        windows, interpreter = map(imagej.java_class, ("ij.WindowManager", "ij.macro.Interpreter"))
        interpreter.removeBatchModeImage(windows.getCurrentImage())
        (tmp_path / "closed").touch()

    start = time.monotonic()
    closing = threading.Thread(target=close)
    closing.start()
    opened = look("Deep-Z_Refocus", f"{program.options}z=1", before="worm")
    closing.join()
    assert opened.title == "worm_refocused"
