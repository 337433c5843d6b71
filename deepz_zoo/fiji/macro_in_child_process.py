"""Run a macro file in a child process, which can be timed out and canceled."""

from __future__ import annotations

import json
import os
import queue
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from deepz_zoo.errors import DeepZError
from deepz_zoo.fiji.gateway import ENDED_BY_IMAGEJ
from deepz_zoo.fiji.locate import Installation, find_imagej
from deepz_zoo.fiji.macro_files import find_macro
from deepz_zoo.fiji.macro_in_this_process import MacroError, Value, macro_options
from deepz_zoo.files import temporary_folder

_POLL_S = 0.1


@dataclass(frozen=True)
class MacroRun:
    """The result of a macro.

    Attributes
    ----------
    returned
        What the macro returned, or None.
    printed
        The lines that it printed.
    output
        The file that it wrote, or None.
    """

    returned: str | None
    printed: tuple[str, ...]
    output: Path | None


class MacroTimeoutError(MacroError):
    """A macro ran longer than allowed and was stopped."""


class MacroCanceledError(MacroError):
    """A macro was canceled."""


def run_macro_file(
    macro: str | os.PathLike[str],
    *,
    input: str | os.PathLike[str] | None = None,
    output: str | os.PathLike[str] | None = None,
    options: Mapping[str, Value] | None = None,
    fiji: str | os.PathLike[str] | Installation | None = None,
    window: bool = False,
    timeout_s: float | None = None,
    on_line: Callable[[str], None] = lambda line: None,
    cancel: threading.Event | None = None,
) -> MacroRun:
    """Run a macro in a child process with an ImageJ of its own, and wait for it.

    Several may run at once. Processes that the macro started end with it.

    Parameters
    ----------
    macro
        A macro file, or the name of a macro of this package, such as ``Deep-Z_Refocus``.
    input, output
        Files that the macro reads and writes; it receives their absolute paths as its options
        ``input`` and ``output``.
    options
        Further options of the macro, see `macro_options`. The current folder of the macro is that
        of ImageJ; a relative `Path` becomes an absolute one.
    fiji
        Which ImageJ, see `find_imagej`.
    window
        Run on the display instead of without one.
    timeout_s
        The macro is stopped after this time; None sets no limit.
    on_line
        Called with every line that the macro prints, while it runs.
    cancel
        Stops the macro once another thread sets it.

    Raises
    ------
    MacroError
        If the macro ends with an error, or without having written `output`.
    MacroTimeoutError, MacroCanceledError
        If it was stopped.
    DeepZError
        If the macro, the input or ImageJ is missing, or an option cannot be passed on.
    """
    path = find_macro(macro)
    given = {
        key: value.absolute() if isinstance(value, Path) else value
        for key, value in (options or {}).items()
    }
    if input is not None:
        if not Path(input).is_file():
            raise DeepZError(f"{input}: no such file; expected an image for {path.name}")
        given["input"] = Path(input).absolute()
    target = None if output is None else Path(output).absolute()
    if target is not None:
        if not target.parent.is_dir():
            raise DeepZError(f"cannot write {output}: the folder {target.parent} does not exist")
        given["output"] = target
    installation = fiji if isinstance(fiji, Installation) else find_imagej(fiji)
    before = _stamp(target)
    printed: list[str] = []
    returned: str | None = None
    code, words = path.read_text(encoding="utf-8"), macro_options(given)
    for answer in run_in_child(installation, code, words, window, timeout_s, cancel):
        if "error" in answer:
            raise MacroError(f"{path.name}: {answer['error']}", log=answer["log"])
        for line in answer.get("printed", "").splitlines():
            printed.append(line)
            on_line(line)
        returned = answer.get("returned", returned)
    if target is not None and _stamp(target) == before:
        last = f"; its last line: {printed[-1]}" if printed else ""
        raise MacroError(f"{path.name} ended without writing {output}{last}")
    return MacroRun(returned, tuple(printed), target)


def _stamp(path: Path | None) -> tuple[int, int] | None:
    """Return what changes when a file is written again."""
    if path is None or not path.exists():
        return None
    status = path.stat()
    return status.st_ino, status.st_mtime_ns


# --------------------------------------------------------------------------------- the process


class _Child:
    """A running child process, its answers and its standard error."""

    def __init__(self, process: subprocess.Popen[str], errors: IO[bytes]) -> None:
        self.process = process
        self.errors = errors
        self._lines: queue.Queue[str | None] = queue.Queue()
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self._lines.put(line)
        self._lines.put(None)

    def answers(
        self, timeout_s: float | None, cancel: threading.Event | None
    ) -> Iterator[dict[str, Any]]:
        """Yield the child's answers, the last of which is how the macro ended."""
        deadline = None if timeout_s is None else time.monotonic() + timeout_s
        while True:
            try:
                line = self._lines.get(timeout=_POLL_S)
            except queue.Empty:
                line = ""
            if cancel is not None and cancel.is_set():
                raise MacroCanceledError("the macro was canceled; its output is incomplete")
            if deadline is not None and time.monotonic() > deadline:
                raise MacroTimeoutError(
                    f"the macro did not end within {timeout_s:g} s and was stopped; allow it more "
                    "time if it was still working"
                )
            if line is None:
                raise MacroError(self._last_message())
            if line:
                answer = json.loads(line)
                if "error" in answer:
                    answer["log"] = self._log()
                yield answer
                if "printed" not in answer:
                    return

    def _log(self) -> str:
        """Return what the child, Java and its plugins have written to standard error."""
        self.errors.seek(0)
        return self.errors.read().decode("utf-8", "replace").strip()

    def _last_message(self) -> str:
        status = self.process.wait()
        said = self._log()
        if ENDED_BY_IMAGEJ in said:
            return ENDED_BY_IMAGEJ
        last = said.splitlines()[-1] if said else "it printed nothing"
        return f"the process of the macro ended with status {status}: {last}"

    def end(self) -> None:
        """End the process and all processes that it started."""
        if sys.platform == "win32":
            subprocess.run(
                ["taskkill", "/F", "/T", "/PID", str(self.process.pid)],
                capture_output=True,
                check=False,
            )
        else:
            with suppress(ProcessLookupError):
                os.killpg(self.process.pid, signal.SIGKILL)  # it has a process group of its own
        self.process.wait()


def _environment(temporary: str) -> dict[str, str]:
    # A macro calls the deepz-zoo of this environment.
    programs = os.pathsep.join((str(Path(sys.executable).parent), os.environ.get("PATH", "")))
    changed = {"TMPDIR": temporary, "PYTHONIOENCODING": "utf-8", "PATH": programs}
    return {**os.environ, **changed}


def run_in_child(
    installation: Installation,
    code: str,
    options: str = "",
    window: bool = False,
    timeout_s: float | None = None,
    cancel: threading.Event | None = None,
) -> Iterator[dict[str, Any]]:
    """Run a macro's text in a child process, and yield its answers (see `macro_child_main`)."""
    request = {
        "imagej": {
            "kind": installation.kind,
            "place": installation.place,
            "plugins": installation.plugins and str(installation.plugins),
        },
        "window": window,
        "code": code,
        "options": options,
    }
    # Standard error goes to a file: nothing reads a pipe, and a full one would block the process.
    with tempfile.TemporaryFile("a+b") as errors, temporary_folder("macro") as temporary:
        process = subprocess.Popen(
            [sys.executable, "-m", "deepz_zoo.fiji.macro_child_main"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=errors,
            encoding="utf-8",
            env=_environment(str(temporary)),
            start_new_session=True,
        )
        child = _Child(process, errors)
        try:
            assert process.stdin is not None
            process.stdin.write(json.dumps(request))
            process.stdin.close()
            yield from child.answers(timeout_s, cancel)
        finally:
            child.end()
