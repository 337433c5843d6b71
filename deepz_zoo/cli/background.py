"""Run a command for a caller that cannot wait for it, such as a macro of ImageJ that Esc can end.

Caller and command share a folder. The caller keeps changing its file ``alive``, and finds what the
command printed in ``answer.txt``, after a blank line, once that has ended. When the caller deletes
the first file or stops changing it, the command is ended and the folder removed. This module is the
program that waits in between.
"""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

ALIVE = "alive"
ANSWER = "answer.txt"
INPUTS = "inputs.txt"
"""Names of files, one a line, that are deleted with the folder; they must lie beside it."""

_PART = "answer.part"
_POLL_S = 0.05
_PATIENCE_S = 5.0
_END_TIMEOUT_S = 20.0


def start(folder: Path, command: Sequence[str]) -> None:
    """Start a command in the background, and return at once.

    Parameters
    ----------
    folder
        The folder that the caller has made, with its file ``alive``.
    command
        A program and its words.
    """
    subprocess.Popen(
        [sys.executable, "-m", __name__, str(folder), *command],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )


def _supervise(folder: Path, command: Sequence[str]) -> None:
    with (folder / _PART).open("wb") as output:
        output.write(b"\n")  # ImageJ cannot read a file that begins with "Error:"
        output.flush()
        worker = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT
        )
    if _ends_while_wanted(worker, folder / ALIVE):
        (folder / _PART).replace(folder / ANSWER)
        return
    _end(worker)
    _remove(folder)


def _ends_while_wanted(worker: subprocess.Popen[bytes], alive: Path) -> bool:
    """Wait for a process; return False once the file is gone or unchanged for some seconds.

    Polls are counted, not seconds of the clock: a computer that sleeps ends nothing.
    """
    seen, unchanged = _stamp(alive), 0
    while worker.poll() is None:
        time.sleep(_POLL_S)
        stamp = _stamp(alive)
        unchanged = unchanged + 1 if stamp == seen else 0
        seen = stamp
        if stamp is None or unchanged * _POLL_S > _PATIENCE_S:
            return False
    return True


def _stamp(path: Path) -> tuple[int, int] | None:
    try:
        status = path.stat()
    except OSError:
        return None
    return status.st_mtime_ns, status.st_size


def _end(worker: subprocess.Popen[bytes]) -> None:
    worker.terminate()  # the command removes what it has written so far
    try:
        worker.wait(_END_TIMEOUT_S)
    except subprocess.TimeoutExpired:
        worker.kill()
        worker.wait()


def _remove(folder: Path) -> None:
    """Remove the caller's files, and nothing else."""
    listed = folder / INPUTS
    names = listed.read_text(encoding="utf-8").splitlines() if listed.is_file() else []
    inputs = [path for name in names if (path := Path(name)).parent == folder.parent]
    for path in (*inputs, listed, folder / ALIVE, folder / _PART):
        with suppress(OSError):
            path.unlink()
    with suppress(OSError):
        folder.rmdir()


if __name__ == "__main__":
    _supervise(Path(sys.argv[1]), sys.argv[2:])
