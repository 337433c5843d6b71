"""The outcome of one check."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Status = Literal["passed", "warned", "failed", "skipped"]


@dataclass(frozen=True)
class Check:
    """A named check and how it ended.

    Attributes
    ----------
    name
        What was checked, as the user reads it.
    status
        ``"warned"`` where it works, at a price; ``"skipped"`` where the check does not apply.
    detail
        The metrics or the reason, on one line.
    """

    name: str
    status: Status
    detail: str = ""


def passed_if(condition: bool, name: str, detail: str) -> Check:
    """Return a check that passed or failed."""
    return Check(name, "passed" if condition else "failed", detail)
