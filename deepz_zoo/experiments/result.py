"""What an experiment found, beside what the paper prints."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from typing import Any

from pydantic import ConfigDict, SerializeAsAny

from deepz_zoo.files import Record

UNPRINTED = "–"
"""In place of the paper's number where its text prints none."""


class Finding(Record):
    """One number of an experiment, or a few words, beside the paper's.

    Attributes
    ----------
    quantity
        What it is, with its unit.
    paper
        What the paper prints for it; `UNPRINTED` where the panel shows it without a number.
    ours
        What was measured.
    """

    quantity: str
    paper: str
    ours: str


class Result(Record):
    """The base of what experiments return.

    Images that only the plot needs are arrays in fields with ``Field(exclude=True)``.
    """

    model_config = ConfigDict(arbitrary_types_allowed=True)

    @abstractmethod
    def rows(self) -> Sequence[Record]:
        """Return the rows of the table; records within a row become columns of their own."""

    @abstractmethod
    def findings(self) -> tuple[Finding, ...]:
        """Return the numbers to compare with the paper's."""


class Report(Record):
    """An experiment as it is written down.

    Attributes
    ----------
    experiment, panel
        Its name, and where the paper shows it.
    model, size
        Name and size of the model.
    stack
        File name of the acquired stack, None for simulated ones.
    seed, quick
        The settings it was run with.
    findings
        The paper's numbers beside ours.
    result
        All that was measured.
    """

    experiment: str
    panel: str
    model: str
    size: str
    stack: str | None
    seed: int
    quick: bool
    code_version: str
    findings: tuple[Finding, ...]
    result: SerializeAsAny[Result]


def flat(row: Record) -> dict[str, Any]:
    """Return the fields of a record, those of records within it under names of both.

    Examples
    --------
    >>> class Point(Record):
    ...     value: float
    >>> class Row(Record):
    ...     name: str
    ...     input: Point
    >>> flat(Row(name="a", input=Point(value=2)))
    {'name': 'a', 'input_value': 2.0}
    """
    columns: dict[str, Any] = {}
    for name, value in row:
        if isinstance(value, Record):
            columns |= {f"{name}_{inner}": each for inner, each in flat(value).items()}
        else:
            columns[name] = value
    return columns
