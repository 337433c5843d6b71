"""Neurons and their traces as CSV."""

from __future__ import annotations

import os
from collections.abc import Iterable

from deepz_zoo.files import write_table
from deepz_zoo.measure.neurons.traces import Traces
from deepz_zoo.records.neurons import Neuron

COLUMNS = ("neuron", "x_um", "y_um", "z_um", "activity", "cluster")


def write_neurons(path: str | os.PathLike[str], neurons: Iterable[Neuron]) -> None:
    """Write a row for each neuron; without a depth or a cluster the field is empty."""
    rows = ([getattr(each, name) for name in COLUMNS] for each in neurons)
    write_table(path, COLUMNS, rows)


def write_traces(path: str | os.PathLike[str], traces: Traces) -> None:
    """Write F(t) in grey levels: a row for each frame, from 1, and a column for each neuron."""
    names = ("frame", *(f"neuron_{number:04d}" for number in range(1, len(traces) + 1)))
    write_table(path, names, ([number, *row] for number, row in enumerate(traces.T, start=1)))
