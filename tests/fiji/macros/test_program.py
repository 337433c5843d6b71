"""Refocusing by macro when something goes wrong, or several things happen at once."""

from __future__ import annotations

import os
import re
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
import tifffile

from deepz_zoo.fiji import MacroError, run_macro_file

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
