"""``deepz-zoo simulate`` as its users see it."""

from __future__ import annotations

import numpy as np
import pytest
import tifffile

from deepz_zoo.cli.simulate import SPECIMENS as OFFERED
from deepz_zoo.images import read_image
from deepz_zoo.simulate import SPECIMENS


def test_every_specimen_is_offered() -> None:
    """The command lists them itself, so that its help needs no torch."""
    assert OFFERED == SPECIMENS


def test_writes_a_calibrated_stack_and_its_noise_free_twin(run_cli, tmp_path) -> None:
    path = tmp_path / "stack.ome.tif"
    options = ("--specimen", "clusters", "--size", "32", "48", "--seed", "4")
    code, out, err = run_cli("simulate", "leica20x_0.8/TxRd", "-o", str(path), *options)
    assert (code, err) == (0, "")
    assert "41 planes of 32×48 px" in out
    for name, dtype in (("stack.ome.tif", np.uint16), ("stack_clean.ome.tif", np.float32)):
        image = read_image(tmp_path / name)
        assert (image.axes, image.data.shape, image.data.dtype) == ("zyx", (41, 32, 48), dtype)
        assert (image.pixel_size_um, image.z_step_um) == (0.325, 0.5)
    with tifffile.TiffFile(path) as tif:
        assert tif.is_ome

    code, _, err = run_cli("simulate", "leica20x_0.8/TxRd", "-o", str(path), *options)
    assert code == 2
    assert "--overwrite" in err


def test_a_deep_z_plus_system_brings_its_confocal_planes(run_cli, tmp_path) -> None:
    path = tmp_path / "stack.ome.tif"
    options = ("--specimen", "microtubules", "--size", "32", "32")
    code, out, err = run_cli("simulate", "leica63x_1.4/FITC", "-o", path, *options)
    assert (code, err) == (0, "")
    assert "stack_confocal.ome.tif: the confocal planes" in out
    wide, confocal = (read_image(tmp_path / f"stack{n}.ome.tif") for n in ("", "_confocal"))
    assert wide.data.shape == confocal.data.shape == (13, 32, 32)
    assert confocal.pixel_size_um == wide.pixel_size_um
    code, _, err = run_cli("simulate", "leica63x_1.4/FITC", "-o", path, *options)
    assert code == 2
    (tmp_path / "stack.ome.tif").unlink()
    (tmp_path / "stack_clean.ome.tif").unlink()
    code, _, err = run_cli("simulate", "leica63x_1.4/FITC", "-o", path, *options)
    assert (code, "stack_confocal.ome.tif exists" in err) == (2, True)


def test_odd_sides_and_unknown_names_are_one_line(run_cli, tmp_path) -> None:
    path = str(tmp_path / "stack.ome.tif")
    code, _, err = run_cli("simulate", "leica20x_0.8/TxRd", "-o", path, "--size", "31", "48")
    assert code == 2
    assert len(err.strip().splitlines()) == 1
    code, _, err = run_cli("simulate", "leica20x/TxRd", "-o", path)
    assert code == 2
    assert "leica20x_0.8/TxRd" in err
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("name", "twin"),
    [
        ("a_v1.2.tif", "a_v1.2_clean.tif"),
        ("a.ome.tif", "a_clean.ome.tif"),
        ("a.OME.TIFF", "a_clean.OME.TIFF"),
        ("worm.day.3.ome.tif", "worm.day.3_clean.ome.tif"),
    ],
)
def test_the_twin_is_named_after_the_whole_name(run_cli, tmp_path, name, twin) -> None:
    size = ("--size", "16", "16")
    code, _, err = run_cli("simulate", "leica20x_0.8/TxRd", "-o", tmp_path / name, *size)
    assert (code, err) == (0, "")
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted([name, twin])


@pytest.mark.parametrize("name", ["a.png", "a", "a.tif.png"])
def test_another_format_is_refused(run_cli, tmp_path, name) -> None:
    code, _, err = run_cli("simulate", "leica20x_0.8/TxRd", "-o", tmp_path / name)
    assert code == 2
    assert "TIFF is written; expected a name that ends in .tif or .tiff" in err


def test_what_is_too_large_is_refused_at_once(run_cli, tmp_path) -> None:
    words = ("-o", tmp_path / "a.tif", "--size", "2000000", "2000000")
    code, _, err = run_cli("simulate", "leica20x_0.8/TxRd", *words)
    assert (code, err.count("\n")) == (2, 1)
    assert "of memory, and" in err
    assert list(tmp_path.iterdir()) == []
