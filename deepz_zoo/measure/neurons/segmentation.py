"""Neurons in the median projection of their nuclei: local maxima, then a watershed."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from deepz_zoo.errors import DeepZError
from deepz_zoo.intensities import intensity_scale
from deepz_zoo.intensities.noise import noise_level
from deepz_zoo.records.neurons import NeuronSettings

MIN_SIGNAL_TO_NOISE = 3.0
"""Neurons are at least so many times as high as the noise of the median projection."""


@dataclass(frozen=True, eq=False)
class Segmentation:
    """The voxels of each neuron.

    Attributes
    ----------
    labels
        Number of the neuron from 1, or 0, shape (z, y, x).
    centroids
        Indices (z, y, x) of the maxima that mark them, shape (n, 3).
    threshold
        The grey level that they exceed.
    """

    labels: NDArray[np.int32]
    centroids: NDArray[np.intp]
    threshold: float

    @property
    def voxels(self) -> NDArray[np.intp]:
        """How many voxels each has."""
        return np.bincount(self.labels.ravel(), minlength=len(self.centroids) + 1)[1:]


def segment(
    median: NDArray[np.float32],
    voxel_um: tuple[float, float],
    settings: NeuronSettings,
    covered: NDArray[np.bool_] | None = None,
) -> Segmentation:
    """Find neurons in the median projection of their nuclei.

    "Local maxima in this projected median intensity stack marked the centroid of each neuron and
    the voxels of each neuron was segmented from these centroids by watershed segmentation."

    The print does not tell from which height on a maximum is a neuron, how near two of them may
    be, nor where a neuron ends. Here the projection is smoothed by a Gaussian; maxima count
    above a threshold, if they are the highest in a box; and the watershed of the smoothed
    projection fills the voxels above the threshold, of which a neuron keeps those above half
    of its own height: refocusing leaves a halo around bright ones, in z above all.

    Parameters
    ----------
    median
        Shape (z, y, x), in grey levels; a single plane is segmented in two dimensions.
    voxel_um
        Lateral and axial sampling.
    settings
        Smoothing, threshold, distance and extent.
    covered
        Where neurons are searched for, shape (y, x); everywhere by default.

    Returns
    -------
    Segmentation
        The brightest neuron first.

    Raises
    ------
    DeepZError
        If there is no neuron.
    """
    from scipy.ndimage import binary_erosion, gaussian_filter
    from skimage.feature import peak_local_max
    from skimage.segmentation import watershed

    lateral_um, axial_um = voxel_um
    sampling_um = np.array([axial_um, lateral_um, lateral_um])
    smooth = gaussian_filter(median, _zyx(settings.smoothing_um) / sampling_um)
    scale = intensity_scale(smooth.max(axis=0))
    threshold = settings.threshold
    if threshold is None:
        noise = MIN_SIGNAL_TO_NOISE * noise_level(median.max(axis=0))
        threshold = scale.background + max(settings.threshold_fraction * scale.scale, noise)
    present = np.ones(median.shape[1:], np.bool_) if covered is None else covered
    sides = 2 * np.maximum(np.rint(_zyx(settings.min_distance_um) / sampling_um), 1).astype(int) + 1
    box = np.ones(np.minimum(sides, 2 * np.array(median.shape) - 1), np.bool_)
    maxima = peak_local_max(smooth, footprint=box, threshold_abs=threshold, exclude_border=False)
    # At the border nobody knows what lies beyond it; at the first and last plane the model's range
    # ends, and the report counts them.
    maxima = maxima[binary_erosion(present)[tuple(maxima[:, 1:].T)]]
    if not len(maxima) or np.ptp(smooth) == 0:
        raise DeepZError(
            f"no neurons in the median projection of the nuclei above {threshold:.5g} grey levels; "
            "expected bright spots that stay in place: check which channel shows the nuclei, or "
            "set `threshold`"
        )
    maxima = maxima[np.argsort(-smooth[tuple(maxima.T)], kind="stable")]
    markers = np.zeros(median.shape, np.int32)
    markers[tuple(maxima.T)] = np.arange(1, len(maxima) + 1)
    labels = watershed(-smooth, markers, mask=(smooth > threshold) & present)
    peaks = smooth[tuple(maxima.T)]
    lowest = scale.background + settings.extent * (peaks - scale.background)
    lowest = np.concatenate([[-np.inf], lowest])  # of what is no neuron, and of each neuron
    labels[smooth < lowest[labels]] = 0
    labels[tuple(maxima.T)] = np.arange(1, len(maxima) + 1)
    return Segmentation(labels.astype(np.int32), maxima, float(threshold))


def _zyx(lateral_and_axial: tuple[float, float]) -> NDArray[np.float64]:
    lateral, axial = lateral_and_axial
    return np.array([axial, lateral, lateral])
