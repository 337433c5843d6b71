"""All commands: exit codes, and one line for whatever goes wrong."""

from __future__ import annotations

import errno
import json
import os
import signal
import subprocess
import sys
import time
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any

import click
import numpy as np
import pytest

from deepz_zoo import __version__
from deepz_zoo.cli.interruption import interruptions_unwind
from deepz_zoo.cli.main import COMMANDS, cli
from deepz_zoo.errors import CheckFailed, DeepZError
from deepz_zoo.images import Image, write_image

HEAVY = {
    "bioimageio",
    "lightning",
    "matplotlib",
    "numpy",
    "onnx",
    "onnxruntime",
    "pydantic",
    "pytorch_lightning",
    "scipy",
    "skimage",
    "torch",
}


@pytest.fixture
def failing_command(monkeypatch):
    """Return a function that makes a command ``fail`` raise an error."""

    def install(error: BaseException) -> None:
        @click.command("fail")
        def command() -> None:
            raise error

        monkeypatch.setitem(cli.commands, "fail", command)

    return install


def test_help_lists_every_command_without_a_heavy_import():
    script = (
        "import json, sys, time; start = time.perf_counter()\n"
        "from deepz_zoo.cli.main import main\n"
        "code = main(['--help'])\n"
        "seconds = time.perf_counter() - start\n"
        "print(json.dumps([code, seconds, sorted({m.split('.')[0] for m in sys.modules})]))"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    *lines, last = done.stdout.splitlines()
    code, seconds, modules = json.loads(last)
    assert code == 0
    assert HEAVY.isdisjoint(modules)
    assert seconds < 1.0
    described = {words[0] for words in map(str.split, lines) if len(words) > 2}
    assert set(COMMANDS) <= described


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_explains_itself(run_cli, command):
    code, out, err = run_cli(command, "--help")
    assert (code, err) == (0, "")
    assert out.startswith(f"Usage: deepz-zoo {command}")


def test_version(run_cli):
    assert run_cli("--version") == (0, f"deepz-zoo, version {__version__}\n", "")


def test_unknown_command_names_the_nearest(run_cli):
    code, out, err = run_cli("pakage")
    assert (code, out) == (2, "")
    assert err.startswith("Error: no command 'pakage'; did you mean 'package'?")
    assert err.count("\n") == 1


def test_wrong_usage_is_one_line_with_the_way_to_the_help(run_cli):
    code, out, err = run_cli("info", "--nonsense")
    assert (code, out) == (2, "")
    assert "--nonsense" in err
    assert "deepz-zoo info --help" in err
    assert err.count("\n") == 1


@pytest.mark.parametrize(
    ("error", "code", "line"),
    [
        (DeepZError("a.tif: text found,\n an image expected"), 2, "Error: a.tif: text found, an"),
        (CheckFailed("dpm_is_used"), 1, "Failed: dpm_is_used"),
        (KeyboardInterrupt(), 130, "Interrupted"),
        (OSError(errno.ENOSPC, "No space left on device", "out.tif"), 2, "Error: disk full"),
        (RuntimeError("I/O error: No space left on device (os error 28)"), 2, "Error: disk full"),
        (PermissionError(errno.EACCES, "Permission denied", "/x.tif"), 2, "Error: /x.tif: Perm"),
    ],
)
def test_errors_become_one_line_and_an_exit_code(run_cli, failing_command, error, code, line):
    failing_command(error)
    found, out, err = run_cli("fail")
    assert (found, out) == (code, "")
    assert err.strip().startswith(line)
    assert err.strip().count("\n") == 0


def test_a_fault_of_the_program_keeps_its_traceback(run_cli, failing_command):
    failing_command(ZeroDivisionError("a bug"))
    with pytest.raises(ZeroDivisionError):
        run_cli("fail")


@pytest.mark.parametrize(
    ("arguments", "last_lines"),
    [
        (["--version"], [f"deepz-zoo, version {__version__}", "exit 0"]),
        (["info", "--nonsense"], ["Error: ", "exit 2"]),
        (["pakage"], ["Error: no command 'pakage'", "exit 2"]),
    ],
)
def test_stdout_only_ends_with_the_exit_code(run_cli, arguments, last_lines):
    code, out, err = run_cli("--stdout-only", *arguments)
    assert err == ""
    found = out.splitlines()[-2:]
    assert all(line.startswith(start) for line, start in zip(found, last_lines, strict=True))
    assert found[-1] == f"exit {code}"


@pytest.mark.parametrize("module", ["pytorch_lightning", "pytorch_lightning.callbacks", "h5py"])
def test_a_library_of_an_extra_is_named_with_the_extra(run_cli, failing_command, module):
    failing_command(ModuleNotFoundError(f"No module named '{module}'", name=module))
    code, _, err = run_cli("fail")
    library = module.partition(".")[0].replace("_", "-")
    assert code == 2
    assert err == f"Error: {library} is missing; install it with: pip install 'deepz-zoo[train]'\n"


def test_a_library_of_no_extra_is_a_fault(run_cli, failing_command):
    failing_command(ModuleNotFoundError("No module named 'torchvision'", name="torchvision"))
    with pytest.raises(ModuleNotFoundError):
        run_cli("fail")


def test_stdout_only_holds_the_traceback_of_a_fault(run_cli, failing_command):
    failing_command(ZeroDivisionError("a bug"))
    code, out, err = run_cli("--stdout-only", "fail")
    assert (code, err) == (1, "")
    assert out.startswith("Traceback")
    assert out.splitlines()[-2:] == ["ZeroDivisionError: a bug", "exit 1"]


def test_stdout_only_never_waits_for_a_reader_of_standard_error():
    script = (
        "import os, sys, click\n"
        "from deepz_zoo.cli.main import cli, main\n"
        "@cli.command('flood')\n"
        "def command():\n"
        "    os.write(2, b'x' * 2_000_000)\n"  # as a library in C does
        "    print('y' * 2_000_000, file=sys.stderr)\n"
        "sys.exit(main(['--stdout-only', 'flood']))"
    )
    read, write = os.pipe()  # a standard error that nobody reads
    with os.fdopen(read), os.fdopen(write) as unread:
        done = subprocess.run(
            [sys.executable, "-c", script], stdout=subprocess.PIPE, stderr=unread, timeout=60
        )
    assert done.returncode == 0
    assert done.stdout.endswith(b"exit 0\n")
    assert len(done.stdout) > 4_000_000


@pytest.mark.parametrize("arguments", [["--help"], ["list"], ["list", "--json"]])
def test_a_reader_that_goes_away_is_not_a_failed_check(arguments):
    process = subprocess.Popen(
        [sys.executable, "-m", "deepz_zoo", *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    process.stdout.close()
    err = process.stderr.read()
    process.stderr.close()
    assert process.wait() == 141
    assert err == ""


@pytest.mark.slow
@pytest.mark.parametrize("encoding", ["cp1252", "cp437", "ascii"])
@pytest.mark.parametrize(
    "words",
    [["list"], ["info", "leica20x_0.8/TxRd"], ["card", "leica20x_0.8/TxRd"], ["train", "-h"]],
)
def test_what_the_encoding_lacks_is_replaced(encoding, words):
    done = subprocess.run(
        [sys.executable, "-m", "deepz_zoo", *words],
        env=os.environ | {"PYTHONIOENCODING": encoding},
        capture_output=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, b"")
    assert done.stdout


@pytest.mark.parametrize("words", [[], ["fiji"]])
def test_a_group_alone_shows_its_help(run_cli, words):
    code, out, err = run_cli(*words)
    assert code == 2
    assert "Usage: deepz-zoo" in out + err
    assert (out + err).count("\n") > 10


@pytest.mark.skipif(os.name == "nt", reason="needs the signals of Linux or macOS")
@pytest.mark.parametrize(("name", "code"), [("SIGINT", 130), ("SIGTERM", 143)])
def test_an_interruption_while_the_program_loads_is_quiet(name, code):
    program = (
        "import builtins, os, signal\n"
        "real = builtins.__import__\n"
        "def load(name, *rest):\n"
        "    if name == 'click':\n"
        f"        os.kill(os.getpid(), signal.{name})\n"
        "    return real(name, *rest)\n"
        "builtins.__import__ = load\n"
        "import deepz_zoo.cli.entry\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (code, b"", b"")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interruption_of_an_import_is_not_lost(number, request):
    """The import system drops exceptions of its callbacks, as this one drops them."""
    # Tests of other programs in this process may have left a handler of their own.
    usual: dict[int, Any] = {
        signal.SIGINT: signal.default_int_handler,
        signal.SIGTERM: signal.SIG_DFL,
    }
    request.addfinalizer(partial(signal.signal, number, signal.getsignal(number)))
    signal.signal(number, usual[number])
    source = "signal.raise_signal(number)"
    importing = compile(source, "<frozen importlib._bootstrap>", "exec")
    with pytest.raises(KeyboardInterrupt), interruptions_unwind():
        with suppress(KeyboardInterrupt):
            exec(importing, {"signal": signal, "number": number})
        for _ in range(100):
            time.sleep(0.05)
        raise AssertionError("the interruption was lost")


@pytest.mark.slow
@pytest.mark.skipif(os.name == "nt", reason="needs the signals of Linux or macOS")
@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_command_that_is_ended_cleans_up(tmp_path, number, code):
    words = ["simulate", "leica20x_0.8/TxRd", "--size", "512", "512", "-o", str(tmp_path / "a.tif")]
    process = subprocess.Popen(
        [sys.executable, "-m", "deepz_zoo", *words],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    time.sleep(4)
    process.send_signal(number)
    _, err = process.communicate(timeout=60)
    # Python ends itself by SIGINT where it was interrupted in code that a library made of a string;
    # shells report the same number.
    assert process.returncode in {code, -number}, err
    assert err.strip().count("\n") == 0
    assert "nothing further was written" in err
    assert list(tmp_path.iterdir()) == []


@pytest.mark.skipif(sys.platform == "win32", reason="names are always Unicode there")
@pytest.mark.parametrize(
    "words",
    [("verify", "stack\udce9.zip"), ("fiji", "install", "--fiji=stack\udce9"), ("stack\udce9",)],
)
def test_names_that_are_not_utf8_are_refused(run_cli, words):
    code, out, err = run_cli(*words)
    assert (code, out) == (2, "")
    assert err.endswith("is not UTF-8; give the file another name\n")


@pytest.mark.skipif(sys.platform != "linux", reason="other systems have no such names")
def test_a_folder_whose_name_is_not_utf8_is_worked_in(run_cli, tmp_path, monkeypatch, run):
    folder = Path(os.fsdecode(bytes(tmp_path) + b"/stack\xe9"))
    folder.mkdir()
    monkeypatch.chdir(folder)
    write_image("a.tif", Image(np.arange(4096, dtype=np.uint16).reshape(64, 64), "yx", 0.325))
    (folder / "run").symlink_to(run)
    code, _, err = run_cli("refocus", "a.tif", "-o", "b.tif", "--weights", "run", "--z", 1)
    assert code == 0, err
    assert {path.name for path in folder.iterdir()} == {"a.tif", "b.tif", "run"}
