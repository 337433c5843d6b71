"""All steps, from the video to clusters of neurons."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from deepz_zoo import __version__
from deepz_zoo.errors import DeepZError
from deepz_zoo.measure.neurons.clustering import Clusters, cluster
from deepz_zoo.measure.neurons.pairing import Pairs
from deepz_zoo.measure.neurons.projection import median_over_time
from deepz_zoo.measure.neurons.registration import register_video
from deepz_zoo.measure.neurons.segmentation import Segmentation, segment
from deepz_zoo.measure.neurons.stacks import MakeStacks, Stacks, input_plane, step_um
from deepz_zoo.measure.neurons.traces import BrightestVoxels, Traces, changes, most_active
from deepz_zoo.progress import Progress, no_progress
from deepz_zoo.records.neurons import Neuron, NeuronReport, NeuronSettings

_FEW_TO_CLUSTER = 3
_FRAMES_OF_PAPER = 126  # 35 s at 3.6 frames per second


@dataclass(frozen=True, eq=False)
class NeuronTracks:
    """Neurons with their activity.

    Attributes
    ----------
    report
        What was found, and how.
    labels
        Number of the neuron from 1, or 0, shape (z, y, x).
    nuclei, activity
        Medians over time of both channels, shape (z, y, x), in grey levels.
    traces
        F(t) of each neuron in grey levels, shape (neurons, frames).
    clusters
        Of the most active neurons.
    """

    report: NeuronReport
    labels: NDArray[np.int32]
    nuclei: NDArray[np.float32]
    activity: NDArray[np.float32]
    traces: Traces
    clusters: Clusters

    @property
    def active(self) -> NDArray[np.intp]:
        """Indices of the most active neurons, which have a cluster."""
        return np.flatnonzero([each.cluster is not None for each in self.report.neurons])


def measure_neurons(
    pairs: Pairs,
    make_stacks: MakeStacks = input_plane,
    settings: NeuronSettings | None = None,
    *,
    video: str = "",
    progress: Progress = no_progress,
) -> NeuronTracks:
    """Find neurons in a video, measure their activity and cluster the most active.

    Parameters
    ----------
    pairs
        Frames of nuclei and activity.
    make_stacks
        Makes the virtual stacks of a channel's registered frames; by default each frame is a
        stack of one plane.
    settings
        Of all steps.
    video
        Its name, for the report.
    progress
        Called for each frame of each step.

    Raises
    ------
    DeepZError
        If the pixel size is unknown, frames cannot be registered, or there is no neuron.
    """
    settings = settings or NeuronSettings()
    pixel_um = pairs.nuclei.pixel_size_um
    if pixel_um is None:
        raise DeepZError("the video does not state its pixel size: set `pixel_size_um`")
    registered = register_video(
        pairs.nuclei, kind=settings.transform, seed=settings.seed, progress=progress
    )
    stacks = make_stacks(registered.apply(pairs.nuclei), "nuclei")
    nuclei = median_over_time(stacks, "Projecting nuclei", progress=progress)
    found = segment(nuclei, (pixel_um, step_um(stacks.z_um)), settings, registered.covered)
    brightest = BrightestVoxels(found.labels, settings.brightest)
    bright = make_stacks(registered.apply(pairs.activity), "activity")
    activity = median_over_time(bright, "Measuring activity", see=brightest, progress=progress)
    traces = brightest.traces
    active = most_active(traces, settings)
    clusters = cluster(traces[active], settings)
    warnings = [*pairs.warnings, registered.warning, _doubt(clusters, settings, len(pairs))]
    report = NeuronReport(
        code_version=__version__,
        video=video,
        settings=settings,
        nuclei_model=stacks.used,
        activity_model=bright.used,
        frames=len(pairs),
        pixel_size_um=pixel_um,
        z_um=stacks.z_um,
        frame_interval_s=pairs.nuclei.frame_interval_s,
        motion=registered.found,
        largest_shift_um=registered.largest_shift_px * pixel_um,
        covered=float(registered.covered.mean()),
        threshold=found.threshold,
        neurons=_neurons(found, traces, active, clusters, pixel_um, stacks.z_um),
        fewer_voxels=int((found.voxels < settings.brightest).sum()),
        at_the_ends=_at_the_ends(found, stacks),
        least_activity=float(traces[active].std(axis=1).min()),
        clusters=clusters.count,
        eigenvalues=tuple(clusters.eigenvalues.tolist()),
        warnings=tuple(line for line in warnings if line),
    )
    return NeuronTracks(report, found.labels, nuclei, activity, traces, clusters)


def _doubt(clusters: Clusters, settings: NeuronSettings, frames: int) -> str | None:
    """Return a line where the number of clusters may come from the settings."""
    count = len(clusters.numbers)
    if count < _FEW_TO_CLUSTER:
        return f"{count} neuron{'' if count == 1 else 's'} to cluster; clusters need more of them"
    as_in_paper = NeuronSettings().sigma * (frames / _FRAMES_OF_PAPER) ** 0.5
    if clusters.count > 1 or settings.clusters or settings.sigma <= as_in_paper:
        return None
    return (
        f"all active neurons are one cluster: Eq. 14 sums over frames, and tells {frames} of them "
        f"apart as the paper's {_FRAMES_OF_PAPER} with a `sigma` of {as_in_paper:.2g}"
    )


def _at_the_ends(found: Segmentation, stacks: Stacks) -> int:
    """Return how many neurons are brightest in the first or the last of several planes."""
    last = stacks.shape[0] - 1
    return int(np.isin(found.centroids[:, 0], (0, last)).sum()) if last else 0


def _neurons(
    found: Segmentation,
    traces: Traces,
    active: NDArray[np.intp],
    clusters: Clusters,
    pixel_um: float,
    z_um: tuple[float, ...] | None,
) -> tuple[Neuron, ...]:
    of_neuron = dict(zip(active.tolist(), clusters.numbers.tolist(), strict=True))
    deviations = changes(traces).std(axis=1)
    return tuple(
        Neuron(
            neuron=number + 1,
            x_um=round(x * pixel_um, 4),
            y_um=round(y * pixel_um, 4),
            z_um=None if z_um is None else z_um[z],
            voxels=int(found.voxels[number]),
            activity=float(deviations[number]),
            cluster=of_neuron.get(number),
        )
        for number, (z, y, x) in enumerate(found.centroids.tolist())
    )
