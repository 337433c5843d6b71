"""Neurons and their traces as CSV."""

from __future__ import annotations

import csv
import os
from collections.abc import Iterable
from typing import Any

from deepz_zoo.files import replacing
from deepz_zoo.measure.neurons.traces import Traces
from deepz_zoo.records.neurons import Neuron

COLUMNS = ("neuron", "x_um", "y_um", "z_um", "activity", "cluster")


def write_neurons(path: str | os.PathLike[str], neurons: Iterable[Neuron]) -> None:
    """Write a row for each neuron; without a depth or a cluster the field is empty."""
    rows = ([getattr(each, name) for name in COLUMNS] for each in neurons)
    _write(path, COLUMNS, rows)


def write_traces(path: str | os.PathLike[str], traces: Traces) -> None:
    """Write F(t) in grey levels: a row for each frame, from 1, and a column for each neuron."""
    names = ("frame", *(f"neuron_{number:04d}" for number in range(1, len(traces) + 1)))
    _write(path, names, ([number, *row] for number, row in enumerate(traces.T, start=1)))


def _write(
    path: str | os.PathLike[str], names: Iterable[str], rows: Iterable[Iterable[Any]]
) -> None:
    with replacing(path) as temporary, temporary.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(names)
        writer.writerows([_text(value) for value in row] for row in rows)


def _text(value: Any) -> str:
    if value is None:
        return ""
    return str(value) if isinstance(value, int) else f"{value:.6g}"
