"""Tables, volumes and pictures of neurons."""

from __future__ import annotations

import numpy as np
import pytest

from deepz_zoo.images import read_image
from deepz_zoo.measure.neurons import measure_neurons, pair_channels, plots
from deepz_zoo.measure.neurons.tables import write_neurons, write_traces
from deepz_zoo.measure.neurons.volumes import write_labels, write_medians
from deepz_zoo.records.neurons import Neuron
from tests.measure.neurons.videos import worm_video


@pytest.fixture(scope="module")
def tracks():
    return measure_neurons(pair_channels(worm_video(4, moving=False).image, nuclei="TxRd"))


def test_a_neuron_without_depth_or_cluster_has_empty_fields(tmp_path):
    known = {"x_um": 3.25, "y_um": 1, "voxels": 9, "activity": 12.5}
    neurons = [
        Neuron(neuron=1, z_um=-0.5, cluster=2, **known),
        Neuron(neuron=2, z_um=None, cluster=None, **known),
    ]
    write_neurons(tmp_path / "neurons.csv", neurons)
    assert (tmp_path / "neurons.csv").read_text().splitlines() == [
        "neuron,x_um,y_um,z_um,activity,cluster",
        "1,3.25,1,-0.5,12.5,2",
        "2,3.25,1,,12.5,",
    ]


def test_a_row_of_traces_is_a_frame(tmp_path):
    write_traces(tmp_path / "traces.csv", np.array([[1.0, 2], [3, 4.5], [5, 6]]))
    assert (tmp_path / "traces.csv").read_text().splitlines() == [
        "frame,neuron_0001,neuron_0002,neuron_0003",
        "1,1,3,5",
        "2,2,4.5,6",
    ]


def test_volumes_are_calibrated(tracks, tmp_path):
    write_labels(tmp_path / "labels.ome.tif", tracks)
    write_medians(tmp_path / "median.ome.tif", tracks)
    labels, medians = (read_image(tmp_path / f"{name}.ome.tif") for name in ("labels", "median"))
    assert (labels.axes, labels.data.dtype, labels.pixel_size_um) == ("yx", np.uint16, 0.325)
    assert labels.data.max() == len(tracks.report.neurons)
    assert medians.channel_names == ("nuclei", "activity")
    np.testing.assert_array_equal(medians.data[0], tracks.nuclei[0])


def test_the_color_is_the_plane_and_the_brightness_the_projection():
    volume = np.zeros((3, 4, 4), np.float32)
    volume[0, 0, 0] = volume[2, 3, 3] = 10
    volume[2, 1, 1] = 5
    colored = plots.depth_colored(volume).astype(int)
    assert colored[0, 0, 2] > colored[0, 0, 0], "the first plane is blue"
    assert colored[3, 3, 0] > colored[3, 3, 2], "the last one is red"
    assert 0 < colored[1, 1].sum() < colored[3, 3].sum()
    assert not colored[2, 2].any()


@pytest.mark.parametrize("name", ["neurons", "clusters", "similarity", "activities", "depths"])
def test_every_figure_is_drawn(name, tracks):
    figure = getattr(plots, f"plot_{name}")(tracks)
    figure.draw_without_rendering()
    assert figure.axes
