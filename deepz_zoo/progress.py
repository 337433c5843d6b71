"""How long work says how far it is."""

from __future__ import annotations

from typing import Protocol


class Progress(Protocol):
    """What long work calls: with the name of a step, and how much of it is done."""

    def __call__(self, step: str, done: int = 0, total: int = 0) -> None:
        """Hear of a step; `total` is 0 where its length is not known."""


def no_progress(step: str, done: int = 0, total: int = 0) -> None:
    """Let work go on in silence."""
