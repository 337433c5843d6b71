"""Neurons of similar activity: normalized spectral clustering (Eqs. 14 to 17)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from deepz_zoo.measure.neurons.traces import Traces, changes
from deepz_zoo.records.neurons import NeuronSettings

_STARTS = 20
Matrix = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Clusters:
    """Traces in clusters.

    Attributes
    ----------
    numbers
        The cluster of each trace, from 1; the first is the largest.
    similarity
        S of Eq. 14, shape (n, n).
    eigenvalues
        The smallest ones of L v = λ D v, in increasing order.
    """

    numbers: NDArray[np.intp]
    similarity: Matrix
    eigenvalues: NDArray[np.float64]

    @property
    def count(self) -> int:
        """Their number."""
        return int(self.numbers.max())

    @property
    def order(self) -> NDArray[np.intp]:
        """Indices of the traces that put the clusters one after another."""
        return np.argsort(self.numbers, kind="stable")


def cluster(traces: Traces, settings: NeuronSettings) -> Clusters:
    """Cluster neurons by the similarity of their activity.

    "The spectral clustering solves an eigen-value problem on the graph Laplacian L […] The number
    of clusters was chosen using eigen-gap heuristics […] Then the corresponding first k=3
    eigen-vectors were combined as a matrix, whose rows were clustered using standard k-means."

    The jump of the eigenvalues that counts is the largest among the first `max_clusters`, which
    the print leaves open, as it does the starts of k-means: here the best of 20 by k-means++.

    Parameters
    ----------
    traces
        F(t) of the neurons to cluster, shape (n, frames).
    settings
        Width of the similarity, number of clusters, seed.
    """
    similarity = similarities(traces, settings.sigma)
    eigenvalues, vectors = generalized_eigenvectors(similarity)
    count = settings.clusters or eigengap(eigenvalues, settings.max_clusters)
    count = min(count, len(traces))
    numbers = _k_means(vectors[:, :count], count, settings.seed)
    return Clusters(numbers, similarity, eigenvalues[: settings.max_clusters + 1])


def similarities(traces: Traces, sigma: float) -> Matrix:
    """Return S of Eq. 14: exp(−‖ΔF_i/F_i0 − ΔF_j/F_j0‖² / σ²), the norm over all frames.

    A neuron whose time average is not above 0 has no relative activity and counts as constant.
    """
    from scipy.spatial.distance import cdist

    mean = traces.mean(axis=1, keepdims=True)
    relative = np.divide(changes(traces), mean, out=np.zeros_like(traces), where=mean > 0)
    similarity: Matrix = np.exp(-cdist(relative, relative, "sqeuclidean") / sigma**2)
    return similarity


def generalized_eigenvectors(similarity: Matrix) -> tuple[NDArray[np.float64], Matrix]:
    """Return eigenvalues, in increasing order, and eigenvectors (columns) of L v = λ D v.

    L = D − W (Eq. 15), W is the similarity without its diagonal (Eq. 16) and D the diagonal matrix
    of the sums of its rows (Eq. 17). The problem is solved in its symmetric form,
    D^-½ L D^-½ u = λ u with v = D^-½ u. A neuron whose similarity to all others is 0 in double
    precision, so that D is singular, is a component of its own with eigenvalue 0.
    """
    from scipy.linalg import eigh

    weights = similarity - np.diag(np.diag(similarity))
    degrees = weights.sum(axis=1)
    alone = degrees <= np.finfo(np.float64).tiny
    scale = 1 / np.sqrt(np.where(alone, 1.0, degrees))
    symmetric = np.diag(np.where(alone, 0.0, 1.0)) - scale[:, None] * weights * scale
    eigenvalues, vectors = eigh(symmetric)
    return eigenvalues, scale[:, None] * vectors


def eigengap(eigenvalues: NDArray[np.float64], most: int) -> int:
    """Return the number of eigenvalues before the largest gap, at most `most`."""
    gaps = np.diff(eigenvalues[: most + 1])
    return int(np.argmax(gaps)) + 1 if len(gaps) else 1


def _k_means(rows: Matrix, count: int, seed: int) -> NDArray[np.intp]:
    """Return the cluster of each row, from 1, the largest cluster first."""
    from scipy.cluster.vq import ClusterError, kmeans2

    if count == 1:
        return np.ones(len(rows), np.intp)
    random = np.random.default_rng(seed)
    best, least = np.arange(len(rows)) % count, np.inf
    for _ in range(_STARTS):
        try:
            centers, found = kmeans2(rows, count, 100, minit="++", missing="raise", seed=random)
        except ClusterError:  # a start that leaves a cluster empty
            continue
        inertia = float(((rows - centers[found]) ** 2).sum())
        if inertia < least:
            best, least = found, inertia
    sizes = np.bincount(best, minlength=count)
    rank = np.empty(count, np.intp)
    rank[np.argsort(-sizes, kind="stable")] = np.arange(1, count + 1)
    return rank[best]
