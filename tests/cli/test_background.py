"""Commands in the background: their answer, and their end when nobody waits for it any more."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from deepz_zoo.cli.background import ALIVE, ANSWER, INPUTS, start

pytestmark = pytest.mark.slow


@pytest.fixture
def shared(tmp_path: Path) -> Path:
    """Return the folder that a caller has made."""
    folder = tmp_path / "deepz run"
    folder.mkdir()
    (folder / ALIVE).touch()
    return folder


def wait_until(condition: Callable[[], bool], *, while_touching: Path | None = None) -> None:
    end = time.monotonic() + 60
    while not condition():
        if while_touching is not None:
            while_touching.write_text(str(time.monotonic()))
        assert time.monotonic() < end
        time.sleep(0.1)


def test_the_answer_of_the_program(shared, run_cli, tmp_path):
    assert run_cli("--background", shared, "list", "--names", "--nonsense")[:2] == (0, "exit 0\n")
    wait_until((shared / ANSWER).exists, while_touching=shared / ALIVE)
    _, error, last = (shared / ANSWER).read_text(encoding="utf-8").splitlines()
    assert error.startswith("Error: No such option '--nonsense'")
    assert last == "exit 2"


def test_it_goes_on_as_long_as_the_caller_waits(shared):
    """Longer than it would without."""
    start(shared, [sys.executable, "-c", "import time; time.sleep(9); print('done')"])
    wait_until((shared / ANSWER).exists, while_touching=shared / ALIVE)
    assert (shared / ANSWER).read_text().split() == ["done"]


def test_it_ends_and_cleans_up_when_the_caller_is_gone(shared, tmp_path):
    image, other = tmp_path / "image.tif", tmp_path / "data" / "other.tif"
    other.parent.mkdir()
    for path in (image, other):
        path.touch()
    (shared / INPUTS).write_text(f"{image}\n{other}\n")
    code = (
        "import signal, sys, time, pathlib\n"
        f"mark = pathlib.Path({str(tmp_path / 'ended')!r})\n"
        "signal.signal(signal.SIGTERM, lambda *_: sys.exit(mark.touch()))\n"
        "time.sleep(100)\n"
    )
    start(shared, [sys.executable, "-c", code])
    wait_until(lambda: not shared.exists())
    assert not image.exists()
    assert other.exists()  # not beside the folder
    if sys.platform != "win32":
        assert (tmp_path / "ended").exists()  # it could clean up itself
