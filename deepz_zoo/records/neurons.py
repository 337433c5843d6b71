"""Neurons of a video: how they are found and measured, and what was found."""

from __future__ import annotations

from typing import Literal

from deepz_zoo.files import Record

Motion = Literal[
    "reference", "affine", "projective", "unmoved", "shifted", "translation", "previous"
]
"""What is known of a frame's motion.

The first frame is the reference. Features of others agree with an affine or projective
transformation, or they do, but the images are more alike if the frame stays where the one before
was (unmoved) or is shifted from there. Where too few features agree there is a translation by phase
correlation, or the frame stays where the previous one was.
"""


class NeuronSettings(Record):
    """How neurons are found, measured and clustered.

    Attributes
    ----------
    transform
        What features determine. The paper's Methods name a projective transformation; the image of
        one objective has no perspective, and few nuclei do not determine its two more parameters.
    smoothing_um
        Standard deviation, lateral and axial, of the Gaussian that smooths the median projection
        before its maxima are searched for.
    min_distance_um
        Half of the sides, lateral and axial, of the box in which a centroid is the only maximum.
    threshold
        The grey level that neurons exceed in the smoothed median projection, or None for
        `threshold_fraction`.
    threshold_fraction
        Of the intensity scale of the maximum projection, above its background; at least three
        times its noise.
    extent
        A neuron's voxels exceed this fraction of its peak above the background.
    brightest
        So many brightest voxels of the activity channel are averaged (paper: 100).
    active
        Number of the most active neurons, which are clustered, or None for `active_fraction`.
    active_fraction
        Of all neurons (paper: 70 of 155).
    sigma
        Width of the Gaussian similarity of two traces (paper: 1.5, Eq. 14).
    max_clusters
        The eigengap is searched for up to this number of clusters.
    clusters
        Number of clusters, or None for that of the eigengap.
    seed
        Of RANSAC and k-means.
    """

    transform: Literal["affine", "projective"] = "affine"
    smoothing_um: tuple[float, float] = (0.4, 0.8)
    min_distance_um: tuple[float, float] = (1.5, 3.0)
    threshold: float | None = None
    threshold_fraction: float = 0.2
    extent: float = 0.5
    brightest: int = 100
    active: int | None = None
    active_fraction: float = 70 / 155
    sigma: float = 1.5
    max_clusters: int = 10
    clusters: int | None = None
    seed: int = 0


class Neuron(Record):
    """One neuron.

    Attributes
    ----------
    neuron
        Its number from 1, as in the label volume; the first is the brightest.
    x_um, y_um
        Position of the maximum that marks it; 0 is the center of the first pixel of the first
        frame.
    z_um
        Its distance from the plane of the video, positive toward increasing stage z; None where
        only that plane was measured.
    voxels
        How many belong to it.
    activity
        Standard deviation over time of ΔF(t), in grey levels.
    cluster
        Number of its cluster from 1, of which the first is the largest; None for neurons that are
        not among the most active.
    """

    neuron: int
    x_um: float
    y_um: float
    z_um: float | None
    voxels: int
    activity: float
    cluster: int | None


class UsedModel(Record):
    """The model that refocused a channel.

    Attributes
    ----------
    name
        Objective and channel.
    weights
        SHA-256 of its weights.
    engine
        What ran it.
    """

    name: str
    weights: str
    engine: str


class NeuronReport(Record):
    """What was measured of one video.

    Attributes
    ----------
    version
        Version of the definitions.
    code_version
        Of the package.
    video
        Name of the file.
    settings
        How neurons were found and measured.
    nuclei_model, activity_model
        What refocused the channels; None where only the plane of the video was measured.
    frames
        Pairs of frames.
    pixel_size_um, z_um
        Sampling, and the distances of the virtual planes; no distances for the plane alone.
    frame_interval_s
        Time from a pair to the next, or None where the file does not say.
    motion
        How each frame was registered to the first.
    largest_shift_um
        By which the center of a frame was moved, at most.
    covered
        Fraction of the pixels that every frame covers; neurons are searched for there.
    threshold
        The grey level that neurons exceeded.
    neurons
        All of them.
    fewer_voxels
        Neurons with fewer voxels than are averaged, of which all were.
    at_the_ends
        Neurons that are brightest in the first or the last virtual plane, and may lie beyond it.
    least_activity
        The standard deviation that the most active neurons reach, in grey levels.
    clusters
        Their number.
    eigenvalues
        The smallest ones of L v = λ D v, of which the gap tells the number of clusters.
    warnings
        A line for each thing that the user should know.
    """

    version: int = 1
    code_version: str
    video: str
    settings: NeuronSettings
    nuclei_model: UsedModel | None = None
    activity_model: UsedModel | None = None
    frames: int
    pixel_size_um: float
    z_um: tuple[float, ...] | None
    frame_interval_s: float | None
    motion: tuple[Motion, ...]
    largest_shift_um: float
    covered: float
    threshold: float
    neurons: tuple[Neuron, ...]
    fewer_voxels: int
    at_the_ends: int
    least_activity: float
    clusters: int
    eigenvalues: tuple[float, ...]
    warnings: tuple[str, ...]

    @property
    def active(self) -> tuple[Neuron, ...]:
        """The most active neurons, which have a cluster."""
        return tuple(neuron for neuron in self.neurons if neuron.cluster is not None)
