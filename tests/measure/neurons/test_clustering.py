"""Planted clusters are found, and Eqs. 14 to 17 are those of SciPy."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.linalg import eigh

from deepz_zoo.measure.neurons.clustering import (
    cluster,
    eigengap,
    generalized_eigenvectors,
    similarities,
)
from deepz_zoo.records.neurons import NeuronSettings
from tests.measure.neurons.videos import same_partition

TIME = np.linspace(0, 35, 126)
COURSES = np.array(
    [
        np.sin(TIME / 4),
        np.where(np.abs(TIME - 14) < 6, 1.0, -0.2),
        -np.where(np.abs(TIME - 14) < 6, 1.0, -0.2),
        np.cos(TIME),
    ]
)


def drawn_traces(clusters: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Return separated traces of neurons of different brightness, and their clusters."""
    random = np.random.default_rng(seed)
    numbers = random.permutation(np.repeat(np.arange(clusters), (20, 12, 9, 6)[:clusters]))
    relative = 0.25 * COURSES[numbers] + random.normal(0, 0.03, (len(numbers), len(TIME)))
    return random.uniform(200, 2000, (len(numbers), 1)) * (1 + relative), numbers


@pytest.mark.parametrize("clusters", [2, 3, 4])
def test_planted_clusters_are_found_and_so_is_their_number(clusters):
    traces, numbers = drawn_traces(clusters)
    found = cluster(traces, NeuronSettings())
    assert found.count == clusters
    assert same_partition(found.numbers, numbers)
    sizes = np.bincount(found.numbers)[1:]
    assert (np.diff(sizes) <= 0).all(), "the first is the largest"
    again = cluster(traces, NeuronSettings())
    np.testing.assert_array_equal(again.numbers, found.numbers)


def test_the_number_of_clusters_may_be_given():
    traces, _ = drawn_traces(3)
    assert cluster(traces, NeuronSettings(clusters=2)).count == 2


def test_the_similarity_is_that_of_equation_14():
    traces, _ = drawn_traces(2)
    found = similarities(traces, 1.5)
    one, other = (traces[i] / traces[i].mean() - 1 for i in (0, 5))
    assert found[0, 5] == pytest.approx(np.exp(-np.sum((one - other) ** 2) / 1.5**2))
    np.testing.assert_allclose(np.diag(found), 1)


def test_the_eigenvalues_are_those_of_the_general_problem():
    similarity = similarities(drawn_traces(3)[0], 1.5)
    weights = similarity * (1 - np.eye(len(similarity)))
    degrees = np.diag(weights.sum(axis=1))
    found, vectors = generalized_eigenvectors(similarity)
    np.testing.assert_allclose(found, eigh(degrees - weights, degrees)[0], atol=1e-9)
    np.testing.assert_allclose((degrees - weights) @ vectors, degrees @ vectors * found, atol=1e-9)


def test_a_neuron_that_is_like_no_other_is_a_cluster_of_its_own():
    traces, numbers = drawn_traces(2)
    lonely = np.where(np.arange(len(TIME)) == 9, 4000.0, 0.0)  # exp(-7000) is 0
    found = cluster(np.vstack([traces, lonely]), NeuronSettings())
    assert same_partition(found.numbers, np.append(numbers, 2))


@pytest.mark.parametrize("count", [1, 2])
def test_one_or_two_neurons_are_one_cluster(count):
    traces = drawn_traces(1)[0][:count]
    found = cluster(traces, NeuronSettings())
    assert found.numbers.tolist() == [1] * count


def test_a_neuron_without_light_counts_as_constant():
    found = similarities(np.array([[0.0, 0, 0], [-1, -2, -3], [5, 5, 5]]), 1.5)
    np.testing.assert_allclose(found, 1)


def test_the_gap_is_the_largest_jump():
    assert eigengap(np.array([0, 0.01, 0.05, 0.7, 0.8, 2.0]), 4) == 3
