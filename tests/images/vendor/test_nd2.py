"""Nikon ND2, of files that are built chunk by chunk."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from deepz_zoo.errors import DeepZError
from deepz_zoo.images import Acquisition, Calibration, count_positions, open_image, read_image
from tests.images.vendor.nd2_files import channel, write_nd2

nd2 = pytest.importorskip("nd2", reason="pip install 'deepz-zoo[formats]'")

# Two frames of two positions of three planes, each of two channels.
FRAMES = np.random.default_rng(4).integers(90, 4000, (12, 20, 30, 2)).astype(np.uint16)
METADATA = {
    "bCalibrated": True,
    "dCalibration": 0.325,
    "dObjectiveNA": 0.8,
    "dRefractIndex1": 1.0,
    "dXPos": 5.0,
    "dYPos": 6.0,
    "dZPos": 100.0,
    "dTimeAbsolute": 2459106.0,  # noon of 2020-09-13
    "sPicturePlanes": {
        "uiCount": 2,
        "sPlaneNew": {"a0": channel("DAPI", 0xFF0000, 461.0), "a1": channel("TxRed", 0xFF, 605.0)},
    },
}


def loop(kind: int, parameters: dict, inner: dict | None = None) -> dict:
    found = {"eType": kind, "uLoopPars": parameters}
    return found | ({"ppNextLevelEx": {"a0": inner}} if inner else {})


def z_stack(kind: int = 2) -> dict:
    heights = {"dZLow": 99.5, "dZHigh": 100.5, "dZStep": 0.5, "dZHome": 100.0}
    return loop(4, {"uiCount": 3, "iType": kind} | heights)


def series() -> dict:
    points = {f"a{n}": {"dPosX": 10.0 * n, "dPosY": -1.0, "dPosZ": 0.0} for n in range(2)}
    positions = loop(2, {"uiCount": 2, "bUseZ": False, "Points": points}, z_stack())
    times = {"uiCount": 2, "dStart": 0.0, "dPeriod": 2000.0, "dDuration": 4000.0}
    return loop(1, times | {"dAvgPeriodDiff": 2100.0}, positions)


def write_series(path: Path, **changes) -> None:
    times_ms = 50 + np.arange(12) // 3 * 1000.0
    write_nd2(path, FRAMES, metadata=METADATA, experiment=series(), times_ms=times_ms, **changes)


def test_pixels_and_what_is_stated(tmp_path: Path) -> None:
    write_series(path := tmp_path / "a.nd2")
    expected = np.moveaxis(FRAMES.reshape(2, 2, 3, 20, 30, 2), -1, 3)[:, 1]
    assert count_positions(path) == 2
    with open_image(path, position=1) as opened:
        assert (opened.axes, opened.data.dtype.name) == ("tzcyx", "uint16")
        np.testing.assert_array_equal(opened.plane(7), expected.reshape(-1, 20, 30)[7])
    image = read_image(path, position=1)
    np.testing.assert_array_equal(image.data, expected)
    assert image.calibration == Calibration(
        0.325,
        (99.5, 100.0, 100.5),
        ("DAPI", "TxRed"),
        2.1,
        (0.461, 0.605),
        0.8,
        "Air",
        ("#0000ff", "#ff0000"),
        Acquisition("2020-09-13T12:00:01+00:00", (0.0, 2.0), (10.0, -1.0)),
    )
    with pytest.raises(DeepZError, match=r"2 separate images \(1: position 1, 2: position 2\)"):
        read_image(path)


def test_a_stage_that_went_down(tmp_path: Path) -> None:
    stated = {"metadata": METADATA, "experiment": z_stack(4)}
    write_nd2(path := tmp_path / "a.nd2", FRAMES[:3], times_ms=[0, 1, 2], **stated)
    image = read_image(path)
    assert (image.axes, image.z_um) == ("zcyx", (100.5, 100.0, 99.5))
    write_nd2(path, FRAMES[:3], **stated)  # without times, which the library needs for positions
    assert read_image(path).z_um == (0.0, -0.5, -1.0)


def test_one_plane_without_calibration(tmp_path: Path) -> None:
    planes = {"uiCount": 1, "sPlaneNew": {"a0": channel("", 0, 0.0)}}
    bare = {"bCalibrated": False, "dCalibration": 1.0, "sPicturePlanes": planes}
    write_nd2(path := tmp_path / "a.nd2", FRAMES[:1, :, :, :1].copy(), metadata=bare)
    image = read_image(path)
    assert (image.axes, image.pixel_size_um, image.z_step_um) == ("yx", None, None)
    np.testing.assert_array_equal(image.data, FRAMES[0, :, :, 0])


def test_frames_that_were_not_acquired_are_no_zeros(tmp_path: Path) -> None:
    write_series(path := tmp_path / "a.nd2", attributes={"uiSequenceCount": 7})
    with open_image(path, position=0) as image:
        assert image.plane(0).any()
        with pytest.raises(DeepZError, match="frame 8 of 9 was not acquired"):
            image.plane(8)


def test_truncated_and_foreign_files_are_refused(tmp_path: Path) -> None:
    write_series(path := tmp_path / "a.nd2")
    content = path.read_bytes()
    for kept in (len(content) - 10, len(content) // 2, 200, 10):
        path.write_bytes(content[:kept])
        with pytest.raises(DeepZError, match="cannot be read whole"):
            read_image(path)
