"""``deepz-zoo measure neurons`` as its users see it."""

from __future__ import annotations

import csv
from dataclasses import replace

import numpy as np
import pytest

from deepz_zoo.files import read_record
from deepz_zoo.images import Image, read_image, write_image
from deepz_zoo.records.neurons import NeuronReport
from tests.measure.neurons.videos import worm_video


@pytest.fixture(scope="module")
def video(tmp_path_factory):
    path = tmp_path_factory.mktemp("neurons") / "worm.tif"
    write_image(path, worm_video(4, moving=False).image)
    return path


def test_the_plane_of_a_video_is_measured(run_cli, video, tmp_path):
    folder = tmp_path / "plane"
    words = ("measure", "neurons", video, "-o", folder, "--nuclei", "TxRd", "--plane-only")
    command = (*words, "--sigma", "0.4")
    code, out, err = run_cli(*command)
    assert (code, err) == (0, "")
    assert "24 neurons above" in out
    report = read_record(folder / "neurons.json", NeuronReport)
    assert (report.video, len(report.neurons), report.z_um) == ("worm.tif", 24, None)
    with (folder / "neurons.csv").open() as file:
        assert [row["neuron"] for row in csv.DictReader(file)] == [str(n) for n in range(1, 25)]
    assert {path.name for path in folder.iterdir()} == {
        *("neurons.csv", "traces.csv", "neurons.json", "labels.ome.tif", "median.ome.tif"),
        *(
            f"{name}.{kind}"
            for name in ("neurons", "clusters", "similarity", "activities")
            for kind in ("png", "svg")
        ),
    }
    code, _, err = run_cli(*command)
    assert (code, len(err.splitlines())) == (2, 1)
    assert "--overwrite" in err


def test_frames_are_refocused_by_a_model(run_cli, video, run, tmp_path):
    """The network is not trained: any maximum counts."""
    folder = tmp_path / "stacks"
    code, out, _ = run_cli(
        *("measure", "neurons", video, "-o", folder, "--nuclei", "2", "--refocus", run),
        *("--threshold=-1e6", "--z", "-1:1:1"),
        *("--engine", "torch", "--precision", "float32", "--device", "cpu"),
    )
    assert code == 0
    assert "from -1 to +1 µm" in out
    labels = read_image(folder / "labels.ome.tif")
    assert (labels.axes, labels.z_um, labels.pixel_size_um) == ("zyx", (-1.0, 0.0, 1.0), 0.325)
    report = read_record(folder / "neurons.json", NeuronReport)
    assert report.nuclei_model == report.activity_model
    assert report.nuclei_model is not None
    assert (folder / "depth.png").read_bytes().startswith(b"\x89PNG")


def one_channel(image: Image) -> Image:
    return replace(image, data=image.data[:, 0], axes="tyx", channel_names=())


def noise(image: Image) -> Image:
    random = np.random.default_rng(0)
    return replace(image, data=random.poisson(100, (2, 2, 40, 48)).astype(np.uint16))


@pytest.mark.parametrize(
    ("change", "options", "line"),
    [
        (lambda image: replace(image, data=image.data[0], axes="cyx"), (), "has 1 frame of"),
        (one_channel, (), "set --interleaved"),
        (lambda image: replace(image, data=image.data * 0 + 7), (), "without contrast"),
        (lambda image: image, ("--threshold", "60000"), "no neurons in the median"),
        (lambda image: image, ("--nuclei", "GFP"), "no channel 'GFP'"),
        (lambda image: image, ("--refocus", "leica20x_0.8/TxRd"), "found both"),
        (lambda image: image, ("--interleaved",), "exclude each other"),
        (lambda image: image, ("--z", "0"), "--z and --plane-only exclude each other"),
        (lambda image: replace(image, pixel_size_um=None), (), "set --pixel-size"),
        (noise, (), "no neurons in the median"),
    ],
)
def test_what_cannot_be_measured_is_a_line(run_cli, tmp_path, change, options, line):
    path, folder = tmp_path / "worm.tif", tmp_path / "out"
    write_image(path, change(worm_video(2, moving=False).image))
    words = ("measure", "neurons", path, "-o", folder, "--plane-only", "--nuclei", "2", *options)
    code, _, err = run_cli(*words)
    assert (code, len(err.splitlines())) == (2, 1), err
    assert line in err
    assert not folder.exists()


def test_planes_that_do_not_increase_evenly_are_refused(run_cli, video, run, tmp_path):
    words = ("measure", "neurons", video, "-o", tmp_path / "out", "--nuclei", "2", "--refocus", run)
    code, _, err = run_cli(*words, "--z", "0,1,5")
    assert (code, len(err.splitlines())) == (2, 1)
    assert "planes at 0, 1, 5 µm; expected increasing ones with equal steps, such as --z" in err
