"""``refocus --autofocus`` and ``--z-track``."""

from __future__ import annotations

import csv

import numpy as np
import pytest
import tifffile

MODEL = "leica63x_1.4/FITC"  # with the fewest planes to try


@pytest.fixture
def video(tmp_path):
    rng = np.random.default_rng(0)
    path = tmp_path / "video.tif"
    frames = rng.poisson(200, (2, 32, 32)).astype(np.uint16)
    frames[0, 8:12, 8:12] += 900
    frames[1, 8:12, 12:16] += 900
    tifffile.imwrite(path, frames, imagej=True, metadata={"axes": "TYX"})
    return path


def test_the_found_track_gives_the_same_frames_again(video, tmp_path, run_cli) -> None:
    code, out, err = run_cli(
        "refocus", MODEL, video, "-o", tmp_path / "sharp.ome.tif", "--autofocus"
    )
    assert code == 0, err
    assert "onto a track from" in out
    table, plot = tmp_path / "sharp_track.csv", tmp_path / "sharp_track.png"
    rows = list(csv.DictReader(table.open()))
    assert [row["frame"] for row in rows] == ["1", "2"]
    assert plot.read_bytes().startswith(b"\x89PNG")
    code, _, err = run_cli(
        "refocus", MODEL, video, "-o", tmp_path / "again.tif", "--z-track", table
    )
    assert code == 0, err
    first, again = (tifffile.imread(tmp_path / name) for name in ("sharp.ome.tif", "again.tif"))
    assert first.shape == (2, 32, 32)
    # The table has three decimals.
    np.testing.assert_allclose(first, again, rtol=0.01, atol=1)


def test_a_track_that_exists_is_not_replaced(video, tmp_path, run_cli) -> None:
    (tmp_path / "sharp_track.csv").write_text("mine")
    code, _, err = run_cli("refocus", MODEL, video, "-o", tmp_path / "sharp.tif", "--autofocus")
    assert code == 2
    assert "sharp_track.csv exists" in err
    assert (tmp_path / "sharp_track.csv").read_text() == "mine"
    assert not (tmp_path / "sharp.tif").exists()


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (["--autofocus", "--z", "1"], "give exactly one of"),
        (["--autofocus", "--offset", "1"], "--offset does not go with --autofocus"),
        (["--z-track", "absent.csv"], "absent.csv"),
    ],
)
def test_what_does_not_go_together_is_refused(video, tmp_path, run_cli, options, says) -> None:
    code, _, err = run_cli("refocus", MODEL, video, "-o", tmp_path / "out.tif", *options)
    assert code == 2
    assert says in err
    assert not (tmp_path / "out.tif").exists()


def test_autofocus_goes_with_one_model(video, tmp_path, run_cli) -> None:
    code, _, err = run_cli(
        "refocus", video, "-o", tmp_path / "out.tif", "--autofocus", "--channels", f"1={MODEL}"
    )
    assert code == 2
    assert "--autofocus goes with one model" in err
