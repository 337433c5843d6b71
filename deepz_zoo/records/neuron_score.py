"""How well neurons of a video were found, against a truth."""

from __future__ import annotations

from deepz_zoo.files import Record


class DepthScore(Record):
    """The neurons of one range of depths.

    Attributes
    ----------
    from_um, to_um
        Distances from the plane of the video, signed.
    true
        How many there are.
    found
        How many of them were found.
    merged
        How many of the others have a found neuron near that is another one's.
    correlation
        Median of the correlations of the traces of those that were found; None without any.
    """

    from_um: float
    to_um: float
    true: int
    found: int
    merged: int
    correlation: float | None


class NeuronScore(Record):
    """How well neurons were found.

    Attributes
    ----------
    version
        Version of the definitions.
    code_version
        Of the package.
    within_um
        Largest lateral distance of a found neuron from its true one.
    within_z_um
        And axial one; None where depths were not measured.
    true, found, missed, merged, false
        True neurons; those found; those missed, with those merged among them; and found ones that
        are no true one.
    lateral_error_um, axial_error_um
        Medians of the distances of those that were found; None without any, or without depths.
    correlation
        Quartiles of the correlations of their traces with the true changes of brightness, of all
        that were found and that follow a cluster; None without any.
    rand_index
        Adjusted Rand index of the clusters, over the neurons that were found and that have a
        cluster both in truth and as measured; None for fewer than two.
    clustered
        How many these are.
    depths
        By depth.
    """

    version: int = 1
    code_version: str
    within_um: float
    within_z_um: float | None
    true: int
    found: int
    missed: int
    merged: int
    false: int
    lateral_error_um: float | None
    axial_error_um: float | None
    correlation: tuple[float, float, float] | None
    rand_index: float | None
    clustered: int
    depths: tuple[DepthScore, ...]
