"""``refocus`` on plates of OME-Zarr, read and validated by ngff-zarr."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from deepz_zoo.images import read_image
from tests.images.plates import FIELDS, WELLS, write_plate

ngff_zarr = pytest.importorskip("ngff_zarr", reason="pip install 'deepz-zoo[ome-zarr]'")
zarr = pytest.importorskip("zarr", reason="pip install 'deepz-zoo[ome-zarr]'")


def picture(number: int) -> np.ndarray:
    image = np.random.default_rng(number).normal(100, 3, (40, 50)).round()
    image[::7, ::9] += 2000
    return image.astype(np.uint16)


@pytest.fixture
def plate(tmp_path: Path, monkeypatch) -> Path:
    (folder := tmp_path / "plates").mkdir()
    monkeypatch.chdir(folder)
    write_plate(path := Path("plate.ome.zarr"), picture)
    return path


@pytest.fixture
def refocus(run_cli, run: Path):
    def call(*arguments: str | Path):
        return run_cli("refocus", *arguments, "--weights", run)

    return call


@pytest.mark.parametrize("version", ["0.4", "0.5"])
def test_every_field_of_a_plate(refocus, plate: Path, version: str) -> None:
    style = "ome-zarr" if version == "0.5" else "ome-zarr-0.4"
    code, out, err = refocus(plate, "-o", "out.ome.zarr", "--z", "0,1", "--format", style)
    assert code == 0, err
    assert out == (
        "out.ome.zarr: 4 fields of 2 wells, each 2 planes, 50 × 40 px, z = +0 to +1 µm\n"
    )
    found = ngff_zarr.from_hcs_zarr("out.ome.zarr", validate=True).metadata
    assert (found.version, found.name, found.field_count) == (version, "screen", 2)
    assert [well.path for well in found.wells] == list(WELLS)
    assert found.acquisitions[0].name == "first"
    for place, model in (("", "plate"), *((well, "well") for well in WELLS)):
        attributes = zarr.open_group(Path("out.ome.zarr") / place, mode="r").attrs.asdict()
        ngff_zarr.validate(attributes, version=version, model=model, strict=True)
    fields = attributes["well"] if version == "0.4" else attributes["ome"]["well"]
    assert fields["images"] == [{"path": str(n), "acquisition": 7} for n in range(2)]
    for field in FIELDS:
        code, _, err = refocus(plate / field, "-o", "one.ome.zarr", "--z", "0,1", "--overwrite")
        assert code == 0, err
        expected, refocused = read_image("one.ome.zarr"), read_image(f"out.ome.zarr/{field}")
        np.testing.assert_array_equal(refocused.data, expected.data)
        assert refocused.calibration == expected.calibration
        assert refocused.pixel_size_um == 0.325
    assert sorted(item.name for item in Path().iterdir()) == [
        "one.ome.zarr",
        "out.ome.zarr",
        "plate.ome.zarr",
    ]


def test_a_plate_of_which_a_field_is_missing_leaves_nothing(refocus, plate: Path) -> None:
    shutil.rmtree(plate / "A/2/1")
    code, _, err = refocus(plate, "-o", "out.ome.zarr", "--z", "1")
    assert (code, "plate.ome.zarr/A/2/1" in err) == (2, True), err
    assert [item.name for item in Path().iterdir()] == ["plate.ome.zarr"]


def test_what_a_plate_cannot_be(refocus, plate: Path) -> None:
    code, _, err = refocus(plate, "-o", "out.tif", "--z", "1")
    assert code == 2
    assert "4 separate images" in err
    assert "for all fields of a plate an output that ends in .ome.zarr" in err
    code, _, err = refocus(plate, "-o", "out.ome.zarr", "--autofocus")
    assert (code, "give a field" in err) == (2, True)
    code, _, err = refocus(plate, "-o", plate, "--z", "1", "--overwrite")
    assert (code, "is an input too" in err) == (2, True)
    stated = json.loads((plate / ".zattrs").read_text())
    stated["plate"]["wells"][0]["path"] = "../A"
    (plate / ".zattrs").write_text(json.dumps(stated))
    code, _, err = refocus(plate, "-o", "out.ome.zarr", "--z", "1")
    assert code == 2, err
    assert [item.name for item in Path().iterdir()] == ["plate.ome.zarr"]
