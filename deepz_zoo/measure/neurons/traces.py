"""The activity of each neuron over time, and the most active neurons."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from deepz_zoo.records.neurons import NeuronSettings

Traces = NDArray[np.float64]
"""A row for each neuron, a column for each frame."""


class BrightestVoxels:
    """Averages the brightest voxels of each neuron, frame by frame.

    "The average of the 100 brightest voxels in the green channel (FITC, neuron activity) inside
    each neuron spatial mask was calculated as the calcium activity intensity F_i(t), for each time
    frame t and each neuron i."

    A neuron of fewer voxels has all of them averaged, which the print leaves open.

    Parameters
    ----------
    labels
        Number of the neuron from 1, or 0, shape (z, y, x).
    count
        How many voxels are averaged.
    """

    def __init__(self, labels: NDArray[np.int32], count: int = 100) -> None:
        planes = labels.reshape(len(labels), -1)
        self._places = [np.flatnonzero(plane) for plane in planes]
        self._owners = np.concatenate(
            [plane[place] for plane, place in zip(planes, self._places, strict=True)]
        )
        self._count = count
        self._frames: list[Traces] = []

    def __call__(self, planes: Iterable[NDArray[np.float32]]) -> None:
        """Take the planes (y, x) of the next frame's activity."""
        parts = [plane.ravel()[place] for plane, place in zip(planes, self._places, strict=True)]
        values = np.concatenate(parts).astype(np.float64)
        order = np.lexsort((-values, self._owners))
        owners, values = self._owners[order], values[order]
        sizes = np.bincount(owners)[1:]
        firsts = np.repeat(np.cumsum(sizes) - sizes, sizes)
        kept = np.arange(len(values)) - firsts < self._count
        sums = np.bincount(owners[kept], values[kept])[1:]
        self._frames.append(sums / np.minimum(sizes, self._count))

    @property
    def traces(self) -> Traces:
        """F(t) of each neuron, shape (neurons, frames)."""
        return np.stack(self._frames, axis=1)


def changes(traces: Traces) -> Traces:
    """Return ΔF(t) = F(t) − F₀, where F₀ is the time average."""
    return np.asarray(traces - traces.mean(axis=1, keepdims=True))


def most_active(traces: Traces, settings: NeuronSettings) -> NDArray[np.intp]:
    """Return the indices, in increasing order, of the most active neurons.

    "By thresholding on the standard deviation of each ΔF(t), we selected the 70 most active
    cells." The threshold is not printed: here it is the one that as many neurons pass as are asked
    for, by default the paper's fraction, 70 of 155.
    """
    count = settings.active
    if count is None:
        count = round(settings.active_fraction * len(traces))
    order = np.argsort(-traces.std(axis=1), kind="stable")
    return np.sort(order[: max(count, 1)])
