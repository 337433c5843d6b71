"""Where the program ``deepz-zoo`` begins: an interruption while it loads ends it without a word."""

from __future__ import annotations

import os
import signal
import sys
from types import FrameType


def _leave(number: int, frame: FrameType | None) -> None:
    os._exit(128 + number)


for _signal in (signal.SIGINT, signal.SIGTERM):
    signal.signal(_signal, _leave)

from deepz_zoo.cli.main import main  # noqa: E402 - after the signals are taken care of


def run() -> int:
    """Run the command line of this process and return its exit code."""
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    return main(sys.argv[1:])
