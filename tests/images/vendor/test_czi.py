"""Zeiss CZI, of files that the library of Zeiss writes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from deepz_zoo.errors import DeepZError
from deepz_zoo.images import Calibration, count_positions, open_image, read_image

czi = pytest.importorskip("pylibCZIrw.czi", reason="pip install 'deepz-zoo[formats]'")

DATA = np.random.default_rng(5).integers(90, 4000, (2, 2, 3, 2, 20, 30)).astype(np.uint16)
"""Scenes of time series of z-stacks of two channels."""


def write_czi(path: Path, data: np.ndarray, *, tile_px: int = 15, left_out: Any = None) -> None:
    """Write scenes, each in tiles beside each other."""
    blue = czi.Rgb8Color(np.uint8(0), np.uint8(0), np.uint8(255))
    shown = czi.ChannelDisplaySettingsDataClass(True, czi.TintingMode.Color, blue, 0.0, 1.0)
    with czi.create_czi(str(path), exist_ok=True) as writer:
        for scene, t, z, c in np.ndindex(*data.shape[:4]):
            if (scene, t, z, c) == left_out:
                continue
            for x in range(0, data.shape[-1], tile_px):
                tile = data[scene, t, z, c, :, x : x + tile_px, np.newaxis]
                place = (100 * scene + x, 5)
                writer.write(tile, plane={"T": t, "Z": z, "C": c}, scene=scene, location=place)
        names = {0: "DAPI", 1: "TxRed"}
        sides_m = {"scale_x": 0.325e-6, "scale_y": 0.325e-6, "scale_z": 0.5e-6}
        writer.write_metadata("a", channel_names=names, display_settings={0: shown}, **sides_m)


def test_pixels_and_what_is_stated(tmp_path: Path) -> None:
    write_czi(path := tmp_path / "a.czi", DATA)
    assert count_positions(path) == 2
    for scene, expected in enumerate(DATA):
        with open_image(path, position=scene) as opened:
            assert (opened.axes, opened.data.dtype.name) == ("tzcyx", "uint16")
            np.testing.assert_array_equal(opened.plane(7), expected.reshape(-1, 20, 30)[7])
        image = read_image(path, position=scene)
        np.testing.assert_array_equal(image.data, expected)
    assert image.calibration == Calibration(
        0.325, (0.0, 0.5, 1.0), ("DAPI", "TxRed"), colors=("#0000ff", None)
    )
    with pytest.raises(DeepZError, match=r"2 separate images \(1: scene 0, 2: scene 1\)"):
        read_image(path)


@pytest.mark.parametrize("dtype", [np.uint8, np.float32])
def test_one_plane(tmp_path: Path, dtype) -> None:
    write_czi(path := tmp_path / "a.czi", DATA[:1, :1, :1, :1].astype(dtype))
    image = read_image(path)
    assert (image.axes, image.data.dtype) == ("yx", dtype)
    np.testing.assert_array_equal(image.data, DATA[0, 0, 0, 0].astype(dtype))


def test_planes_that_were_not_acquired_are_no_zeros(tmp_path: Path) -> None:
    data = DATA[:1].copy()
    data[0, 0, 0, 0] = 0
    write_czi(path := tmp_path / "a.czi", data, left_out=(0, 1, 2, 1))
    with open_image(path) as image:
        assert not image.plane(0).any()
        with pytest.raises(DeepZError, match="the plane at T 2, Z 3, C 2 was not acquired"):
            image.plane(11)


def test_truncated_and_foreign_files_are_refused(tmp_path: Path) -> None:
    write_czi(path := tmp_path / "a.czi", DATA[:1])
    content = path.read_bytes()
    for kept in (len(content) - 100, len(content) // 2, 200, 10):
        path.write_bytes(content[:kept])
        with pytest.raises(DeepZError, match="cannot be read whole"):
            read_image(path)


def test_colors_are_refused(tmp_path: Path) -> None:
    with czi.create_czi(str(path := tmp_path / "a.czi")) as writer:
        writer.write(np.zeros((8, 9, 3), np.uint8), plane={"T": 0, "Z": 0, "C": 0})
        writer.write_metadata("a")
    with pytest.raises(DeepZError, match=r"is a color .* image \(Bgr24\)"):
        read_image(path)
