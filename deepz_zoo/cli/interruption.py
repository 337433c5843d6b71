"""Ctrl-C and SIGTERM: exceptions that unwind a command, so that it cleans up."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any

_AGAIN_AFTER_S = 0.05

Handler = Callable[[int, FrameType | None], None]


class Ended(KeyboardInterrupt):
    """SIGTERM, which cleans up as Ctrl-C does."""


@contextmanager
def interruptions_unwind() -> Iterator[None]:
    """Turn SIGINT and SIGTERM into exceptions, where nobody else has done something about them."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    usual: dict[signal.Signals, Any] = {
        signal.SIGINT: signal.default_int_handler,
        signal.SIGTERM: signal.SIG_DFL,
    }
    errors = {signal.SIGINT: KeyboardInterrupt, signal.SIGTERM: Ended}
    mine = [number for number in usual if signal.getsignal(number) == usual[number]]
    for number in mine:
        signal.signal(number, _raising(errors[number]))
    try:
        yield
    finally:
        for number in mine:
            signal.signal(number, usual[number])


def _raising(error: type[KeyboardInterrupt]) -> Handler:
    def interrupt(number: int, frame: FrameType | None) -> None:
        if frame is None or not frame.f_code.co_filename.startswith("<frozen importlib"):
            raise error
        # The import system drops what is raised in a callback of its locks: come again soon.
        again = threading.Timer(_AGAIN_AFTER_S, signal.raise_signal, [number])
        again.daemon = True
        again.start()

    return interrupt
