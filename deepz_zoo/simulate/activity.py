"""Calcium activity of neurons that follow known clusters, as those of a worm (Fig. 3c)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

CLUSTERS = 3
_ACTIVE = 70 / 155  # of the neurons, as in the paper
_SPIKES = (0.12, 0.48, 0.9)  # of the first cluster, as fractions of the time
_SWITCH = 0.4  # where the second cluster falls and the third one rises
_DECAY = 0.04
_AMPLITUDES = (0.5, 1.2)
_OWN, _MEMORY = 0.03, 0.8  # of each neuron: standard deviation, and what stays from frame to frame


@dataclass(frozen=True, eq=False)
class Activity:
    """What neurons do.

    Attributes
    ----------
    change
        Brightness over that at rest, less 1: shape (neurons, frames).
    cluster
        Number of the cluster of each neuron from 1, or 0 for those that follow none; shape
        (neurons,).
    """

    change: Floats
    cluster: NDArray[np.int64]


def draw_activity(neurons: int, frames: int, rng: np.random.Generator) -> Activity:
    """Draw the activity of neurons.

    The first cluster has three short spikes; the second falls when the third rises, as neurons that
    drive a worm backward and forward.
    """
    active = max(CLUSTERS, round(_ACTIVE * neurons))
    cluster = np.zeros(neurons, np.int64)
    members = rng.permutation(neurons)[:active]
    cluster[members] = 1 + np.arange(len(members)) % CLUSTERS
    amplitude = rng.uniform(*_AMPLITUDES, neurons)
    change = np.stack([_noise(frames, rng) for _ in range(neurons)])
    for number in range(1, CLUSTERS + 1):
        follows = cluster == number
        change[follows] += amplitude[follows, None] * _pattern(number, frames)
    return Activity(np.maximum(change, -0.9), cluster)


def _pattern(cluster: int, frames: int) -> Floats:
    """Return the activity of a cluster over time, of amplitude 1."""
    time = np.linspace(0, 1, frames)
    if cluster == 1:
        since = time[:, None] - np.array(_SPIKES)
        spikes = np.where(since >= 0, np.exp(-np.maximum(since, 0) / _DECAY), 0)
        return np.asarray(spikes.sum(axis=1))
    step = 1 / (1 + np.exp(-(time - _SWITCH) / _DECAY))
    return np.asarray(-0.6 * step if cluster == 2 else step)


def _noise(frames: int, rng: np.random.Generator) -> Floats:
    """Return slow changes of one neuron's own."""
    values = rng.normal(0, _OWN, frames)
    for frame in range(1, frames):
        values[frame] = _MEMORY * values[frame - 1] + np.sqrt(1 - _MEMORY**2) * values[frame]
    return values
