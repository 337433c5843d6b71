"""Tracks are read and written as CSV, and frames are refocused along them."""

from __future__ import annotations

import numpy as np
import pytest

from deepz_zoo.errors import DeepZError
from deepz_zoo.images import Image
from deepz_zoo.models import load_model
from deepz_zoo.refocus import plan_refocus, refocus_image
from deepz_zoo.refocus.track import FoundTrack, Track, plot_track, read_track, write_track


@pytest.fixture(scope="module")
def video():
    rng = np.random.default_rng(0)
    return Image(rng.poisson(200, (3, 32, 48)).astype(np.uint16), "tyx", pixel_size_um=0.325)


def _found(dz_um: tuple[float, ...]) -> FoundTrack:
    sharpness = np.ones((len(dz_um), 2))
    return FoundTrack(dz_um, dz_um, (-1.0, 1.0), sharpness, np.ones((2, 2), bool))


def test_what_is_written_is_read_again(tmp_path) -> None:
    write_track(tmp_path / "track.csv", _found((1.5, -2.25, 0.0)))
    assert read_track(tmp_path / "track.csv").dz_um == (1.5, -2.25, 0.0)
    header = (tmp_path / "track.csv").read_text().splitlines()[0]
    assert header == "frame,dz_um,dz_before_smoothing_um,sharpness"


def test_rows_and_columns_may_be_in_any_order_and_a_spreadsheet_may_have_saved_it(tmp_path) -> None:
    file = tmp_path / "track.csv"
    file.write_text("dz_um,note,frame\r\n2,late,2\r\n-1,early,1\r\n", encoding="utf-8-sig")
    assert read_track(file).dz_um == (-1.0, 2.0)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "expected the columns frame"),
        ("frame,z\n1,2\n", "expected the columns frame"),
        ("frame,dz_um\n", "expected the columns frame"),
        ("frame,dz_um\n1,two\n", "line 2: 1, two; expected a whole number"),
        ("frame,dz_um\n\n\n1,nan\n", "line 4"),
        ("frame,dz_um\n1.5,0\n", "line 2"),
        ("frame,dz_um\n1\n", "line 2"),
        ("frame,dz_um\n1,0\n1,1\n", "line 3: frame 1 is there twice"),
        ("frame,dz_um\n1,0\n3,1\n", "has no frame 2"),
        ("frame,dz_um\n0,0\n1,1\n", "has no frame 2"),
    ],
)
def test_other_files_are_refused_in_a_line(tmp_path, text, says) -> None:
    file = tmp_path / "track.csv"
    file.write_text(text)
    with pytest.raises(DeepZError, match=says) as error:
        read_track(file)
    assert "\n" not in str(error.value)


def test_an_image_is_no_table(tmp_path) -> None:
    (tmp_path / "track.csv").write_bytes(bytes(range(256)))
    with pytest.raises(DeepZError, match="no CSV file"):
        read_track(tmp_path / "track.csv")


def test_each_frame_goes_to_its_distance(video) -> None:
    model, manifest = load_model("leica20x_0.8/TxRd")
    plan = plan_refocus(video, manifest, Track((1.0, -2.0, 0.5)))
    assert (plan.shape, plan.axes, plan.z_um) == ((3, 32, 48), "tyx", None)
    assert "onto a track from -2 to +1 µm" in str(plan)
    for frame, dz, plane in zip(video.data, (1.0, -2.0, 0.5), plan.run(model), strict=True):
        np.testing.assert_allclose(plane, refocus_image(model, frame, dz), rtol=1e-5, atol=1e-3)


def test_a_track_of_another_length_or_beyond_the_range_is_refused(video) -> None:
    _, manifest = load_model("leica20x_0.8/TxRd")
    with pytest.raises(DeepZError, match="a track of 2 frames for an image of 3"):
        plan_refocus(video, manifest, Track((1.0, 2.0)))
    far = Track((1.0, 2.0, 14.0))
    with pytest.raises(DeepZError, match="10"):
        plan_refocus(video, manifest, far)
    clipped = plan_refocus(video, manifest, far, clip=True)
    assert clipped.track is not None and clipped.track.dz_um == (1.0, 2.0, 10.0)


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("dark", [False, True])
def test_the_plot_is_a_picture(tmp_path, dark) -> None:
    track = _found((0.5, 0.7))
    track.sharpness[0] = 0 if dark else 1
    plot_track(tmp_path / "track.png", track)
    assert (tmp_path / "track.png").read_bytes().startswith(b"\x89PNG")
