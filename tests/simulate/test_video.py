"""Videos of an active worm, and what is said to be true of them."""

from __future__ import annotations

import csv
import json
import re
from dataclasses import replace

import numpy as np
import pytest
import tifffile
import torch

from deepz_zoo.images import read_image
from deepz_zoo.optics import get_system
from deepz_zoo.optics.psf import PsfParameters
from deepz_zoo.simulate.activity import CLUSTERS, draw_activity
from deepz_zoo.simulate.focal_plane import FocalPlane
from deepz_zoo.simulate.motion import draw_motion
from deepz_zoo.simulate.stack import specimen_volume
from deepz_zoo.simulate.video import WormVideo, simulate_worm
from deepz_zoo.simulate.video_files import write_video
from deepz_zoo.simulate.widefield import WideField

NUCLEI, ACTIVITY = (get_system(f"leica20x_0.8/{channel}") for channel in ("TxRd", "FITC"))


@pytest.fixture(scope="module")
def video() -> WormVideo:
    return simulate_worm(NUCLEI, ACTIVITY, seed=1_000_001, frames=4, shape=(128, 192), noise="low")


def test_the_plane_is_the_middle_one_of_a_stack() -> None:
    volume = specimen_volume(NUCLEI.model_copy(update={"z_range_um": 4.0}), (32, 48))
    parameters = PsfParameters.draw(NUCLEI, torch.Generator().manual_seed(0))
    light = torch.zeros(volume.shape)
    light[3, 10, 20], light[16, 20, 30], light[25, 25, 5] = 3.0, 1.0, 2.0
    stack = WideField(volume, 2.0, parameters).image(light)
    torch.testing.assert_close(
        FocalPlane(volume, parameters).image(light), stack[len(stack) // 2], rtol=1e-4, atol=1e-7
    )


def test_clusters_are_alike_within_and_not_between() -> None:
    activity = draw_activity(60, 80, np.random.default_rng(0))
    assert sorted(set(activity.cluster)) == list(range(CLUSTERS + 1))
    assert np.bincount(activity.cluster)[0] == 60 - round(60 * 70 / 155)
    alike = np.asarray(np.corrcoef(activity.change))
    for one in range(1, CLUSTERS + 1):
        for other in range(1, CLUSTERS + 1):
            block = alike[np.ix_(activity.cluster == one, activity.cluster == other)]
            assert block.min() > 0.8 if one == other else block.max() < 0.6
    # Those of the second fall when those of the third rise.
    assert alike[np.ix_(activity.cluster == 2, activity.cluster == 3)].max() < -0.8
    assert activity.change[activity.cluster == 0].std() < 0.1
    assert activity.change.min() >= -0.9


def test_the_body_rests_at_the_reference_and_the_affine_part_is_told() -> None:
    motion = draw_motion(9, 1, (40.0, 60.0), np.random.default_rng(3))
    places = np.array([[3.0, 4.0], [20.0, 30.0], [35.0, 50.0]])
    np.testing.assert_allclose(motion.apply(places, 1), places, atol=1e-12)
    straight = replace(motion, bend_um=np.zeros(9))
    moved = straight.apply(places, 8)
    centered = (places - motion.center_um) @ motion.matrix[8].T
    np.testing.assert_allclose(moved, centered + motion.center_um + motion.shift_um[8])
    assert 0 < np.abs(motion.apply(places, 8) - moved).max() < 1.0


def test_nuclei_shine_where_the_truth_says(video: WormVideo) -> None:
    """A nucleus near focus is a local maximum of its frame, in the first one and when it moved."""
    frames = [pair["nuclei"].astype(float) for pair in video.frames()]
    z, y, x = video.nuclei.positions_um.numpy().T
    near = np.flatnonzero(np.abs(z) < 1.0)
    assert len(near) >= 2
    for frame in (0, 3):
        time = video.exposure_number("nuclei", frame)
        places = video.motion.apply(np.column_stack([y, x])[near], time) / NUCLEI.pixel_size_um
        for row, column in np.rint(places).astype(int):
            inner = frames[frame][row - 1 : row + 2, column - 1 : column + 2].mean()
            around = frames[frame][row - 9 : row + 10, column - 9 : column + 10]
            assert inner > np.percentile(around, 90)


def test_the_files_hold_the_video_and_its_truth(video: WormVideo, tmp_path) -> None:
    write_video(tmp_path / "a", video)
    write_video(tmp_path / "b", video, interleaved=True)
    two, one = (read_image(tmp_path / name / "video.ome.tif") for name in "ab")
    assert (two.axes, two.data.shape, two.channel_names) == (
        "tcyx",
        (4, 2, 128, 192),
        ("nuclei", "activity"),
    )
    assert (one.axes, one.data.shape) == ("tyx", (8, 128, 192))
    np.testing.assert_array_equal(one.data[1::2], two.data[:, 0])  # the activity comes first
    np.testing.assert_array_equal(one.data[::2], two.data[:, 1])
    assert two.pixel_size_um == NUCLEI.pixel_size_um
    assert two.frame_interval_s == pytest.approx(1 / 3.6)
    truth = tmp_path / "a" / "truth"
    neurons = list(csv.DictReader((truth / "neurons.csv").open()))
    places = np.array([[float(row[f"{axis}_um"]) for axis in "zyx"] for row in neurons])
    np.testing.assert_allclose(places, video.nuclei.positions_um, rtol=1e-4)
    assert [int(row["cluster"]) for row in neurons] == video.activity.cluster.tolist()
    traces = list(csv.DictReader((truth / "traces.csv").open()))
    last = [float(traces[3][f"neuron_{number:04d}"]) for number in range(1, len(neurons) + 1)]
    np.testing.assert_allclose(last, video.activity.change[:, 3], atol=1e-5)
    row = {k: float(v) for k, v in list(csv.DictReader((truth / "motion.csv").open()))[3].items()}
    straight = replace(video.motion, bend_um=np.zeros(8))
    moved = straight.apply(np.array([[10.0, 20.0]]), video.exposure_number("nuclei", 3))[0]
    told = (
        row["yy"] * 10 + row["yx"] * 20 + row["y_um"],
        row["xy"] * 10 + row["xx"] * 20 + row["x_um"],
    )
    assert told == pytest.approx(tuple(moved), abs=1e-3)
    assert json.loads((truth / "video.json").read_text())["seed"] == 1_000_001


def test_the_command(run_cli, tmp_path) -> None:
    words = ["simulate", "leica20x_0.8/FITC", "--specimen", "worm", "--video", "--seed", 1_000_001]
    size = ["--size", 96, 128, "--frames", 2]
    code, out, err = run_cli(*words, *size, "-o", tmp_path / "w", "--interleaved")
    assert code == 0, err
    assert "4 frames, activity and nuclei in turn" in out
    assert tifffile.imread(tmp_path / "w" / "video.ome.tif").shape == (4, 96, 128)
    before = (tmp_path / "w" / "video.ome.tif").read_bytes()
    for more, expected in (
        (["-o", tmp_path / "w"], "exists"),
        (["-o", tmp_path / "x", "--tilt", 0], "a worm lies on no surface"),
        (["-o", tmp_path / "x", "--drift", 1], "leave --drift and --jitter out"),
        (["-o", tmp_path / "x", "--size", 64, 64], "a worm in 64×64 px.*96 or more.*--size"),
        (["-o", tmp_path / "no" / "x"], "the folder .* does not exist"),
    ):
        code, _, err = run_cli(*words, *size, *more)
        assert code == 2
        assert len(err.splitlines()) == 1
        assert re.search(expected, err), err
    assert run_cli("simulate", NUCLEI.name, "-o", tmp_path / "a.tif", "--specimen", "worm")[0] == 2
    assert run_cli("simulate", NUCLEI.name, "-o", tmp_path / "a.tif", "--frames", 3)[0] == 2
    assert [path.name for path in tmp_path.iterdir()] == ["w"]
    assert (tmp_path / "w" / "video.ome.tif").read_bytes() == before
