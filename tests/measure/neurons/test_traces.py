"""The brightest voxels of each neuron are averaged."""

from __future__ import annotations

import numpy as np

from deepz_zoo.measure.neurons.traces import BrightestVoxels, changes, most_active
from deepz_zoo.records.neurons import NeuronSettings


def test_the_mean_of_the_brightest_voxels_is_that_of_a_sort():
    random = np.random.default_rng(0)
    labels = random.integers(0, 4, (3, 20, 24)).astype(np.int32)
    labels[labels == 3] = 0
    labels[1, 5, :7] = 3  # a neuron of fewer voxels than are averaged
    brightest = BrightestVoxels(labels, 50)
    frames = random.normal(500, 100, (4, 3, 20, 24)).astype(np.float32)
    for stack in frames:
        brightest(iter(stack))
    expected = [
        [np.sort(stack[labels == number].astype(np.float64))[-50:].mean() for stack in frames]
        for number in (1, 2, 3)
    ]
    np.testing.assert_allclose(brightest.traces, expected)


def test_changes_are_from_the_time_average():
    np.testing.assert_allclose(changes(np.array([[1.0, 2, 6]])), [[-2, -1, 3]])


def test_the_most_active_have_the_highest_standard_deviation():
    traces = np.array([[10, 10.1], [10, 12], [10, 10.0], [10, 13]])
    assert most_active(traces, NeuronSettings(active=2)).tolist() == [1, 3]
    assert most_active(traces, NeuronSettings(active=9)).tolist() == [0, 1, 2, 3]
    # the paper's 70 of 155
    assert len(most_active(np.random.default_rng(0).normal(size=(155, 9)), NeuronSettings())) == 70
