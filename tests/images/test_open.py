"""Images that are read plane by plane."""

from __future__ import annotations

import tracemalloc
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile

from deepz_zoo.errors import DeepZError
from deepz_zoo.images import open_image, read_image
from deepz_zoo.images.select import select_frames

DATA = np.random.default_rng(6).integers(0, 4000, (3, 4, 2, 20, 30)).astype(np.uint16)
AXES = {"metadata": {"axes": "TZCYX"}}

FILES: dict[str, dict[str, Any]] = {
    "plain": {"metadata": None},
    "described once": AXES | {"truncate": True},
    "imagej": AXES | {"imagej": True},
    "ome": AXES | {"ome": True},
    "compressed": AXES | {"ome": True, "compression": "deflate"},
    "big-endian": AXES | {"byteorder": ">"},
    "tiles": AXES | {"ome": True, "tile": (16, 16)},
    "volumes": {"metadata": {"axes": "TCZYX"}, "volumetric": True, "tile": (2, 16, 16)},
}


@pytest.mark.parametrize("kind", FILES)
def test_planes_are_those_that_were_written(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "a.tif"
    data = DATA.swapaxes(1, 2).copy() if kind == "volumes" else DATA
    if kind == "plain":
        data = data[:, :, 0]
        tifffile.imwrite(path, data.reshape(-1, 20, 30), photometric="minisblack", metadata=None)
    else:
        tifffile.imwrite(path, data, photometric="minisblack", **FILES[kind])
    planes = data.reshape(-1, 20, 30)
    with open_image(path) as image:
        assert (image.plane_count, image.data.dtype.name) == (len(planes), "uint16")
        np.testing.assert_array_equal(image.plane(7), planes[7])
        np.testing.assert_array_equal(list(image.planes()), planes)
        if kind != "plain":
            frames = select_frames(image, input_channel="2", plane=3)
            z, c = (image.axes.index(axis) for axis in "zc")
            assert frames.axes == "tyx"
            np.testing.assert_array_equal(
                frames.plane(1), np.moveaxis(data, (z, c), (0, 1))[2, 1, 1]
            )
    np.testing.assert_array_equal(read_image(path).data.reshape(planes.shape), planes)


@pytest.mark.parametrize("compression", [None, "deflate"])
def test_memory_does_not_grow_with_the_length(tmp_path: Path, compression) -> None:
    path = tmp_path / "series.tif"
    data = np.zeros((100, 200, 256), np.uint16)
    tifffile.imwrite(path, data, imagej=compression is None, compression=compression)
    tracemalloc.start()
    try:
        with open_image(path, axes="tyx") as image:
            assert [plane.max() for plane in image.planes()] == [0] * 100
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 10 * data[0].nbytes


def test_a_plane_is_refused_when_it_is_read(tmp_path: Path) -> None:
    data = np.ones((3, 20, 30), np.float32)
    data[1, 2, 3] = np.nan
    tifffile.imwrite(path := tmp_path / "a.tif", data, photometric="minisblack")
    with open_image(path, axes="tyx") as image:
        assert image.plane(0).max() == 1
        with pytest.raises(DeepZError, match=r"a\.tif, plane 2: 1 of 600 pixels are NaN"):
            image.plane(1)
    with pytest.raises(DeepZError, match=r"a\.tif, plane 2: 1 of 600 pixels are NaN"):
        read_image(path)


def test_a_series_that_was_cut_off_is_read_as_far_as_it_goes_or_refused(tmp_path: Path) -> None:
    data = np.random.default_rng(1).integers(0, 99, (20, 40, 50)).astype(np.uint16)
    path = tmp_path / "a.tif"
    tifffile.imwrite(path, data, imagej=True, metadata={"axes": "TYX"})
    path.write_bytes(path.read_bytes()[: 10 * data[0].nbytes])
    with pytest.raises(DeepZError, match="cannot be read whole"), open_image(path) as image:
        for plane, expected in zip(image.planes(), data, strict=True):
            np.testing.assert_array_equal(plane, expected)
