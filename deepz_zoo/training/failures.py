"""Errors of pytorch-lightning and torch that are not faults of the program, as one line."""

from __future__ import annotations

import re
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import torch

from deepz_zoo.errors import DeepZError

# What torch makes of an error in a process that cuts patches: the whole traceback as its message.
_IN_WORKER = re.compile(r"Caught (\w+) in DataLoader worker process")
_WORKER_ENDED = re.compile(r"DataLoader worker \(pid\(?s?\)? [^)]*\)[^\n]*")
_NO_MEMORY = re.compile(
    r"can't allocate memory|out of memory|Cannot allocate memory", re.IGNORECASE
)


@contextmanager
def one_line_errors() -> Iterator[None]:
    """Turn errors of a training into what the command line knows.

    Raises
    ------
    KeyboardInterrupt
        In place of the SystemExit by which pytorch-lightning reacts to signals.
    DeepZError
        One raised in a process that cuts patches, without the traceback that torch adds; a lack of
        memory; the end of such a process.
    """
    on_interrupt = signal.getsignal(signal.SIGINT)
    try:
        yield
    except SystemExit:
        raise KeyboardInterrupt from None
    except Exception as error:
        line = _line(error)
        if line is None:
            raise
        raise DeepZError(line) from error
    finally:
        # pytorch-lightning ignores SIGINT from the first one on
        if threading.current_thread() is threading.main_thread() and on_interrupt is not None:
            signal.signal(signal.SIGINT, on_interrupt)


def _line(error: Exception) -> str | None:
    """Return the line for an error, or None for a fault of the program."""
    text = str(error)
    if isinstance(error, DeepZError):
        caught = _IN_WORKER.match(text)
        return text.rpartition(f"{DeepZError.__name__}: ")[2].strip() if caught else None
    if isinstance(error, (MemoryError, torch.OutOfMemoryError)) or _NO_MEMORY.search(text):
        reason = text.strip().splitlines()[0] if text.strip() else "allocation failed"
        return f"there is not enough memory ({reason}); choose a smaller `batch_size` or `patch_px`"
    ended = _WORKER_ENDED.search(text)
    if ended is not None:
        return f"{ended[0].strip()}; there may be too little memory: choose fewer `workers`"
    return None
