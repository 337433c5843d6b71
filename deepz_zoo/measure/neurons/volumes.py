"""Label volume and medians over time as calibrated images."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import numpy as np

from deepz_zoo.images import Array, Calibration, NewImage, create_image

if TYPE_CHECKING:
    from deepz_zoo.measure.neurons.run import NeuronTracks

_CHANNELS = ("nuclei", "activity")


def write_labels(path: str | os.PathLike[str], tracks: NeuronTracks) -> None:
    """Write the number of the neuron at each voxel, 0 outside of neurons."""
    few = len(tracks.report.neurons) <= np.iinfo(np.uint16).max
    labels = tracks.labels.astype(np.uint16 if few else np.float32)
    _write(path, labels[:, None], (), tracks)


def write_medians(path: str | os.PathLike[str], tracks: NeuronTracks) -> None:
    """Write the medians over time of both channels, in grey levels."""
    _write(path, np.stack([tracks.nuclei, tracks.activity], axis=1), _CHANNELS, tracks)


def _write(
    path: str | os.PathLike[str], volume: Array, channels: tuple[str, ...], tracks: NeuronTracks
) -> None:
    """Write a volume (z, channels, y, x); axes of one plane or channel are left out."""
    report = tracks.report
    axes = f"{'z' if report.z_um else ''}{'c' if channels else ''}yx"
    lengths = dict(zip("zcyx", volume.shape, strict=True))
    calibration = Calibration(report.pixel_size_um, report.z_um, channels)
    shape = tuple(lengths[name] for name in axes)
    description = f"neurons of {report.video}, first frame; deepz-zoo {report.code_version}"
    with create_image(path, NewImage(shape, axes, volume.dtype, calibration, description)) as write:
        for number, plane in enumerate(volume.reshape(-1, *volume.shape[-2:])):
            write(plane, number)
