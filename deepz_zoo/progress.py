"""How functions that take long report their progress."""

from __future__ import annotations

from typing import Protocol


class Progress(Protocol):
    """A function that is called with the name of a step and how much of it is done."""

    def __call__(self, step: str, done: float = 0, total: int = 0) -> None:
        """Take a report; `total` is 0 where the length of the step is not known.

        Parts of what is counted may be done: of 50 images 12.5.
        """


def no_progress(step: str, done: float = 0, total: int = 0) -> None:
    """Ignore a report: the default of functions that report progress."""
