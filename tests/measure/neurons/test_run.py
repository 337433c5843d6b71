"""From a video to neurons, traces and clusters."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from deepz_zoo.errors import DeepZError
from deepz_zoo.images import Image, open_image
from deepz_zoo.measure.neurons import (
    NeuronTracks,
    Pairs,
    RefocusedStacks,
    measure_neurons,
    pair_channels,
)
from deepz_zoo.measure.neurons.registration import register_video
from deepz_zoo.records.neurons import NeuronSettings
from deepz_zoo.refocus import plan_refocus
from tests.measure.neurons.videos import PIXEL_UM, Video, same_partition, worm_video

SHARED = Path(__file__).resolve().parents[4] / "shared" / "data"
CELEGANS = SHARED / "zephir_celegans_xyMIP_512x200x512.tif"


def nearest(tracks: NeuronTracks, video: Video) -> tuple[np.ndarray, np.ndarray]:
    """Return the planted blob that is nearest to each neuron, and how far it is in pixels."""
    found = np.array([(each.y_um, each.x_um) for each in tracks.report.neurons]) / PIXEL_UM
    distances = np.linalg.norm(found[:, None] - video.places, axis=-1)
    return distances.argmin(axis=1), distances.min(axis=1)


def test_planted_blobs_come_back_with_their_activity_and_their_clusters():
    video = worm_video()
    pairs = pair_channels(video.image, nuclei="TxRd")
    tracks = measure_neurons(pairs, settings=NeuronSettings(active=24, sigma=0.5))
    blobs, distances = nearest(tracks, video)
    assert sorted(blobs) == list(range(24))
    assert distances.max() < 1.5
    for trace, blob in zip(tracks.traces, blobs, strict=True):
        assert np.corrcoef(trace, video.activity[blob])[0, 1] > 0.99
    assert tracks.clusters.count == 3
    assert same_partition(tracks.clusters.numbers, video.clusters[blobs])
    report = tracks.report
    assert report.frames == 8
    assert report.z_um is None
    assert report.neurons[0].activity == pytest.approx(tracks.traces[0].std())
    assert report.motion.count("affine") == 7
    assert 0 < report.largest_shift_um < 3


def test_one_cluster_in_a_short_video_is_told_of():
    pairs = pair_channels(worm_video(4, moving=False).image, nuclei="TxRd")
    report = measure_neurons(pairs).report
    assert report.clusters == 1
    assert "all active neurons are one cluster" in report.warnings[0]
    assert report.warnings[0].endswith("with a `sigma` of 0.27")
    assert not measure_neurons(pairs, settings=NeuronSettings(clusters=1)).report.warnings


def test_virtual_stacks_have_depths(model, manifest):
    """The network is not trained: what counts is what is made of its planes."""
    video = worm_video(3, moving=False)

    def stacks(frames, channel):
        return RefocusedStacks(plan_refocus(frames, manifest, (-1.5, 0.0, 1.5)), model)

    tracks = measure_neurons(pair_channels(video.image, nuclei="TxRd"), stacks)
    assert tracks.labels.shape == (3, *video.image.data.shape[-2:])
    assert tracks.report.z_um == (-1.5, 0.0, 1.5)
    assert {each.z_um for each in tracks.report.neurons} <= {-1.5, 0.0, 1.5}
    assert tracks.traces.shape == (len(tracks.report.neurons), 3)
    assert np.isfinite(tracks.traces).all()


def test_a_video_without_a_pixel_size_is_refused():
    image = replace(worm_video(2, moving=False).image, pixel_size_um=None)
    with pytest.raises(DeepZError, match="set `pixel_size_um`"):
        measure_neurons(pair_channels(image, nuclei="2"))


@pytest.mark.skipif(not CELEGANS.is_file(), reason="needs the acquired video of a worm")
def test_an_acquired_worm_is_tracked():
    """Maximum projections of a moving worm, one channel: neurons stay in place once registered."""
    with open_image(CELEGANS) as video:  # without the text in its corner
        frames = np.stack([video.plane(number)[36:] for number in range(0, 33, 8)])
    nuclei = Image(frames, "tyx", PIXEL_UM)
    registered = register_video(nuclei)
    moved = np.array([*registered.apply(nuclei).planes()])
    assert np.corrcoef(frames[0].ravel(), frames[-1].ravel())[0, 1] < 0.2
    assert np.corrcoef(moved[0].ravel(), moved[-1].ravel())[0, 1] > 0.8
    still = Image(frames[:2], "tyx", PIXEL_UM)
    tracks = measure_neurons(Pairs(still, still))
    assert tracks.traces.shape == (len(tracks.report.neurons), 2)
