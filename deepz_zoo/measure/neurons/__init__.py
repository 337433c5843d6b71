"""Activity of neurons in a video, as the paper tracks and quantifies it in its Methods.

Pairs of frames are registered, refocused to virtual stacks and projected over time; neurons are
segmented in the projection of their nuclei, their activity is read off every frame, and the most
active are clustered. One module a step; `run` does all of them.
"""

from __future__ import annotations

from deepz_zoo.measure.neurons.pairing import Pairs, pair_channels, pair_interleaved
from deepz_zoo.measure.neurons.run import NeuronTracks, measure_neurons
from deepz_zoo.measure.neurons.stacks import InputPlane, RefocusedStacks, Stacks

__all__ = [
    "InputPlane",
    "NeuronTracks",
    "Pairs",
    "RefocusedStacks",
    "Stacks",
    "measure_neurons",
    "pair_channels",
    "pair_interleaved",
]
