"""OME-Zarr, written plane by plane, validated and read by libraries that did not write it."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from deepz_zoo.errors import DeepZError
from deepz_zoo.images import (
    Acquisition,
    Image,
    NewImage,
    count_positions,
    create_image,
    open_image,
    read_image,
    write_image,
)
from tests.images.plates import write_plate

ngff_zarr = pytest.importorskip("ngff_zarr", reason="pip install 'deepz-zoo[ome-zarr]'")
zarr = pytest.importorskip("zarr", reason="pip install 'deepz-zoo[ome-zarr]'")

DATA = np.random.default_rng(4).integers(90, 4000, (2, 3, 301, 600)).astype(np.uint16)
IMAGE = Image(
    DATA,
    "tcyx",
    pixel_size_um=0.325,
    channel_names=("TxRd", "FITC", "DAPI"),
    colors=("#ff0000", "#00ff00", "#0000ff"),
    emission_um=(0.605, 0.525, None),
    frame_interval_s=0.5,
    z_origin_um=-3.5,
    numerical_aperture=0.8,
    acquisition=Acquisition("2019-11-04T12:00:00", (0.0, 0.6), (100.0, -20.0), "DMI8"),
)


@pytest.mark.parametrize("version", ["0.4", "0.5"])
def test_what_is_written_is_valid_and_read(tmp_path: Path, version) -> None:
    path = tmp_path / "a.ome.zarr"
    write_image(path, IMAGE, zarr_version=version, description="a note")
    back = read_image(path)
    np.testing.assert_array_equal(back.data, DATA)
    assert (back.axes, back.data.dtype) == ("tcyx", np.uint16)
    assert back.calibration == IMAGE.calibration
    group = zarr.open_group(path, mode="r")  # without ngff-zarr
    assert group.metadata.zarr_format == (2 if version == "0.4" else 3)
    attributes = group.attrs.asdict()
    ngff_zarr.validate(attributes, version=version, model="image")
    stated = attributes if version == "0.4" else attributes["ome"]
    (scales,) = stated["multiscales"]
    half = group[scales["datasets"][1]["path"]]
    expected = DATA[:, :, :300].reshape(2, 3, 150, 2, 300, 2).mean((3, 5))
    assert np.abs(half[:] - expected).max() <= 0.5
    steps = scales["datasets"][1]["coordinateTransformations"][0]["scale"]
    assert steps == [0.5, 1, 0.65, 0.65]
    assert [channel["color"] for channel in stated["omero"]["channels"]] == [
        "FF0000",
        "00FF00",
        "0000FF",
    ]
    assert [item.name for item in tmp_path.iterdir()] == ["a.ome.zarr"]


def test_parts_of_planes_come_in_any_order(tmp_path: Path) -> None:
    planes = np.random.default_rng(1).random((2, 50, 40), dtype=np.float32)
    path = tmp_path / "a.ome.zarr"
    with create_image(path, NewImage(planes.shape, "zyx")) as write:
        for plane in (1, 0):
            for first in (30, 0):
                write(planes[plane, first : first + 30], plane, first)
    with open_image(path) as image:
        np.testing.assert_array_equal(image.plane(1), planes[1])
        assert (image.axes, image.pixel_size_um, image.z_um) == ("zyx", None, None)


def test_nothing_is_replaced_by_half_an_image(tmp_path: Path) -> None:
    path = tmp_path / "a.ome.zarr"
    write_image(path, IMAGE)
    with (
        pytest.raises(ValueError, match="1 of 2 rows"),
        create_image(path, NewImage((2, 8), "yx")) as write,
    ):
        write(np.zeros((1, 8)), 0)
    np.testing.assert_array_equal(read_image(path).data, DATA)
    assert [item.name for item in tmp_path.iterdir()] == ["a.ome.zarr"]


def test_the_fields_of_a_plate(tmp_path: Path) -> None:
    path = tmp_path / "plate.ome.zarr"
    write_plate(path, lambda number: np.full((8, 9), number, np.uint16))
    assert count_positions(path) == 4
    assert [read_image(path, position=n).data[0, 0] for n in range(4)] == [0, 1, 2, 3]
    assert read_image(path / "A/2/1").data[0, 0] == 3
    with pytest.raises(DeepZError, match=r"4 separate images \(A/1/0, A/1/1"):
        read_image(path)


def test_damaged_metadata_are_refused(tmp_path: Path) -> None:
    write_image(path := tmp_path / "a.ome.zarr", IMAGE)
    stated = json.loads((path / "zarr.json").read_text())
    del stated["attributes"]["ome"]["multiscales"][0]["axes"]
    (path / "zarr.json").write_text(json.dumps(stated))
    with pytest.raises(DeepZError, match="cannot be read whole"):
        read_image(path)
    (path / "zarr.json").write_text("{")
    with pytest.raises(DeepZError, match="cannot be read whole"):
        read_image(path)
    (path / "zarr.json").write_text('{"attributes": {}}')
    with pytest.raises(DeepZError, match="no OME-Zarr image or plate"):
        read_image(path)
