"""``refocus``: what a user types, what is written and what is refused."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile
from safetensors.torch import load_file, save_file

from deepz_zoo.images import Image, read_image, write_image
from deepz_zoo.models import load_model
from deepz_zoo.refocus import refocus_image

NAME = ("--objective", "leica20x_0.8", "--channel", "TxRd")


def picture(*shape: int) -> np.ndarray:
    rng = np.random.default_rng(4)
    image = rng.normal(100, 3, shape).round()
    image[..., ::7, ::9] += 2000
    return image.astype(np.uint16)


@pytest.fixture
def image(tmp_path: Path) -> Path:
    path = tmp_path / "image.tif"
    write_image(path, Image(picture(40, 50), "yx", 0.325))
    return path


@pytest.fixture
def refocus(run_cli, run: Path, image: Path, tmp_path: Path):
    """Return a function that runs the command on `image` with the weights of a tiny network."""

    def call(*arguments: str | Path, image: Path = image, output: str = "out.tif"):
        return run_cli(
            "refocus", image, "-o", tmp_path / output, *NAME, "--weights", run, *arguments
        )

    return call


@pytest.fixture
def model(run: Path):
    return load_model(None, weights=run)[0]


@pytest.mark.parametrize("style", ["ome", "imagej"])
def test_a_stack(refocus, model, tmp_path: Path, style: str) -> None:
    code, out, err = refocus("--z", "-1:1:0.5", "--format", style)
    assert (code, err) == (0, "")
    assert "5 planes" in out
    result = read_image(tmp_path / "out.tif")
    assert (result.axes, result.data.dtype) == ("zyx", np.float32)
    assert result.z_um == (-1.0, -0.5, 0.0, 0.5, 1.0)
    assert result.pixel_size_um == pytest.approx(0.325)
    expected = refocus_image(model, picture(40, 50), [-1.0, -0.5, 0.0, 0.5, 1.0])
    np.testing.assert_allclose(result.data, expected, rtol=1e-5)
    with tifffile.TiffFile(tmp_path / "out.tif") as tif:
        note = tif.ome_metadata if style == "ome" else tif.imagej_metadata["Info"]
        assert (tif.is_imagej, tif.is_ome) == (style == "imagej", style == "ome")
        assert tif.imagej_metadata is None or tif.imagej_metadata["Labels"][0] == "z = -1 µm"
    for words in ("image.tif", "leica20x_0.8/TxRd", "--z -1:1:0.5", "simulated"):
        assert words in note


def test_one_plane_needs_no_name_of_the_model_beside_weights(
    run_cli, run, image: Path, model, tmp_path: Path
) -> None:
    code, *_ = run_cli("refocus", image, "-o", tmp_path / "a.tif", "--weights", run, "--z", "2.5")
    assert code == 0
    result = read_image(tmp_path / "a.tif")
    np.testing.assert_allclose(result.data, refocus_image(model, picture(40, 50), 2.5), rtol=1e-5)
    assert result.z_um == (2.5,)


SURFACES = {
    "tilt": ("--tilt", "-1.5", "--tilt-axis", "x"),
    "tilt and offset": ("--tilt", "1.5", "--offset", "2"),
    "cylinder": ("--cylinder", "7200", "--cylinder-axis", "x"),
    "sinusoid": ("--sinusoid", "128:-9:-1"),
    "dpm": ("--dpm", "dpm.tif"),
    "map": ("--height-map", "map.tif", "--um-per-level", "0.02", "--offset", "-2"),
}

TEXTS = {
    "tilt": "a plane tilted by -1.5° around x",
    "tilt and offset": "a plane tilted by 1.5° around y, at +2 µm in the center",
    "cylinder": "a cylinder of diameter 7200 µm along x",
    "sinusoid": "a sinusoid of period 128 px along x, -9 to -1 µm",
    "dpm": "the surface of dpm.tif",
    "map": "the surface of map.tif",
}


def expected_surface(name: str) -> np.ndarray:
    """Return the surface by its formula, at pixels of 0.325 µm."""
    y, x = np.mgrid[:40, :50]
    y_um, x_um = (y - 19.5) * 0.325, (x - 24.5) * 0.325
    return {
        "tilt": np.tan(np.radians(-1.5)) * y_um,
        "tilt and offset": np.tan(np.radians(1.5)) * x_um + 2,
        "cylinder": np.sqrt(3600**2 - y_um**2) - 3600,
        "sinusoid": -5 + 4 * np.sin(2 * np.pi * (x - 24.5) / 128),
        "dpm": (x - y) / 10,
        "map": (x + y) * 0.02 - 2,
    }[name].astype(np.float32)


@pytest.mark.parametrize("name", SURFACES)
def test_surfaces(refocus, model, tmp_path: Path, monkeypatch, name: str) -> None:
    monkeypatch.chdir(tmp_path)
    y, x = np.mgrid[:40, :50]
    tifffile.imwrite("dpm.tif", ((x - y) / 10).astype(np.float32))
    tifffile.imwrite("map.tif", (x + y).astype(np.uint8))
    code, out, err = refocus(*SURFACES[name])
    assert (code, err) == (0, "")
    assert f"50 × 40 px, onto {TEXTS[name]}" in out
    expected = refocus_image(model, picture(40, 50), expected_surface(name))
    np.testing.assert_allclose(read_image("out.tif").data, expected, rtol=1e-5, atol=1e-3)


def test_a_time_series_whose_axes_the_file_does_not_name(refocus, model, tmp_path: Path) -> None:
    data = picture(3, 40, 50)
    path = tmp_path / "series.tif"
    tifffile.imwrite(path, data, photometric="minisblack", metadata=None)
    code, _, err = refocus("--z", "0,1", image=path)
    assert code == 2
    assert "--axes" in err
    code, out, err = refocus("--z", "0,1", "--axes", "tyx", image=path)
    assert code == 0
    assert "3 frames, 2 planes" in out
    assert "pixel size" in err
    result = read_image(tmp_path / "out.tif")
    assert result.axes == "tzyx"
    np.testing.assert_allclose(result.data[2], refocus_image(model, data[2], [0, 1]), rtol=1e-5)


def test_other_optics_are_told_with_named_axes_too(refocus, tmp_path: Path) -> None:
    path = tmp_path / "series.ome.tif"
    channel = {"Name": "GFP", "EmissionWavelength": 509}
    metadata = {"axes": "ZYX", "PhysicalSizeX": 0.325, "Channel": channel}
    tifffile.imwrite(path, picture(3, 40, 50), ome=True, metadata=metadata)
    code, _, err = refocus("--z", "1", "--axes", "tyx", image=path)
    assert code == 0
    assert "emission at 509 nm" in err
    assert read_image(tmp_path / "out.tif").channel_names == ("GFP",)


def test_one_of_two_channels(refocus, model, tmp_path: Path) -> None:
    data = picture(2, 40, 50)
    data[0] = 0
    path = tmp_path / "two.ome.tif"
    write_image(path, Image(data, "cyx", 0.325, channel_names=("DAPI", "TxRd")))
    code, _, err = refocus("--z", "1", image=path)
    assert code == 2
    assert "DAPI, TxRd" in err
    assert refocus("--z", "1", "--input-channel", "TxRd", image=path)[0] == 0
    result = read_image(tmp_path / "out.tif")
    np.testing.assert_allclose(result.data, refocus_image(model, data[1], 1.0), rtol=1e-5)
    assert result.channel_names == ("TxRd",)


@pytest.mark.parametrize(
    ("new", "old"),
    [
        (["--normalization", "plugin"], ["--like-plugin"]),
        (["--normalization", "plugin-imagej-1.52"], ["--like-plugin", "--imagej-1.52"]),
    ],
)
def test_the_old_spellings_give_the_same_pixels(refocus, tmp_path: Path, new, old) -> None:
    y, x = np.mgrid[:40, :50]
    path = tmp_path / "grey.tif"
    write_image(path, Image((picture(40, 50) / 10 + x + y).astype(np.uint8), "yx", 0.325))
    assert refocus("--z", "1", *new, image=path, output="new.tif")[0] == 0
    assert refocus("--z", "1", *old, image=path, output="old.tif")[0] == 0
    first, second = (read_image(tmp_path / f"{name}.tif").data for name in ("new", "old"))
    assert first.dtype == np.uint8
    np.testing.assert_array_equal(first, second)


def test_the_paper_s_normalization_is_the_default(refocus, tmp_path: Path) -> None:
    assert refocus("--z", "1", output="a.tif")[0] == 0
    assert refocus("--z", "1", "--normalization", "paper", output="b.tif")[0] == 0
    first, second = (read_image(tmp_path / f"{name}.tif").data for name in ("a", "b"))
    np.testing.assert_array_equal(first, second)


def test_png_and_the_input_s_type(refocus, tmp_path: Path) -> None:
    from imageio.v3 import imwrite

    imwrite(tmp_path / "a.png", picture(40, 50))
    code, _, err = refocus("--z", "0", "--keep-type", image=tmp_path / "a.png")
    assert code == 0
    assert "assuming the model's 0.325 µm" in err
    assert read_image(tmp_path / "out.tif").data.dtype == np.uint16


@pytest.mark.parametrize(
    ("arguments", "shape"), [(("--resample",), (40, 50)), (("--ignore-pixel-size",), (40, 50))]
)
def test_another_pixel_size(refocus, tmp_path: Path, arguments, shape) -> None:
    path = tmp_path / "fine.tif"
    write_image(path, Image(picture(*shape), "yx", 0.1625))
    code, _, err = refocus("--z", "1", image=path)
    assert code == 2
    assert "0.1625 µm" in err
    assert "0.325 µm" in err
    assert refocus("--z", "1", *arguments, image=path)[0] == 0
    result = read_image(tmp_path / "out.tif")
    assert result.data.shape == shape
    assert result.pixel_size_um == pytest.approx(0.1625)


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ((), "exactly one of --z"),
        (("--z", "1", "--tilt", "2"), "--z and --tilt"),
        (("--z", "-12"), "--clip"),
        (("--tilt", "85"), "--clip"),
        (("--z", "1:2"), "START:STOP:STEP"),
        (("--sinusoid", "100"), "PX:ZMIN:ZMAX"),
        (("--z", "1", "--offset", "1"), "--offset does not go with --z"),
        (("--tilt", "1", "--um-per-level", "1"), "--um-per-level belongs to --height-map"),
        (("--dpm", "missing.tif"), "missing.tif does not exist"),
        (("--z", "1", "--resample", "--ignore-pixel-size"), "exclude each other"),
        (("--z", "1", "--device", "abacus"), "--device abacus"),
        (("--z", "1", "--normalization", "plugin", "--resample"), "--resample"),
        (("--z", "1", "--normalization", "paper", "--like-plugin"), "exclude each other"),
        (("--z", "1", "--imagej-1.52"), "belongs to --like-plugin"),
        (("--z", "1", "--plane", "2"), "no plane 2"),
    ],
)
def test_wrong_usage_is_one_line(refocus, tmp_path: Path, arguments, says: str) -> None:
    code, out, err = refocus(*arguments)
    assert (code, out) == (2, "")
    assert says in err
    assert len(err.strip().splitlines()) == 1
    assert not (tmp_path / "out.tif").exists()


@pytest.mark.parametrize("kind", ["text", "rgb", "empty", "truncated", "missing", "folder"])
def test_bad_images_are_one_line(refocus, image: Path, tmp_path: Path, kind: str) -> None:
    path = tmp_path / "bad.tif"
    if kind == "text":
        path.write_text("no image")
    elif kind == "rgb":
        tifffile.imwrite(path, np.zeros((40, 50, 3), np.uint8), photometric="rgb")
    elif kind == "empty":
        path.touch()
    elif kind == "truncated":
        path.write_bytes(image.read_bytes()[:-900])
    elif kind == "folder":
        path.mkdir()
    code, out, err = refocus("--z", "1", image=path)
    assert (code, out) == (2, "")
    assert len(err.strip().splitlines()) == 1
    assert "bad.tif" in err


def test_clip(refocus, tmp_path: Path) -> None:
    code, _, err = refocus("--z", "-12,0", "--clip")
    assert code == 0
    assert "50.0% of the wanted surface" in err


def test_an_existing_output_is_kept(refocus, tmp_path: Path) -> None:
    (tmp_path / "out.tif").write_bytes(b"precious")
    code, _, err = refocus("--z", "1")
    assert code == 2
    assert "--overwrite" in err
    assert (tmp_path / "out.tif").read_bytes() == b"precious"
    code, out, _ = refocus("--z", "1", "--skip-existing")
    assert (code, out) == (0, f"{tmp_path / 'out.tif'}: exists, and was left as it is\n")
    assert (tmp_path / "out.tif").read_bytes() == b"precious"
    assert refocus("--z", "1", "--overwrite")[0] == 0
    assert read_image(tmp_path / "out.tif").data.shape == (40, 50)


@pytest.mark.parametrize(
    ("output", "says"),
    [("out.png", "ends in .tif, .tiff or .ome.zarr"), ("image.tif", "is an input too")],
)
def test_names_of_the_output(refocus, image: Path, output: str, says: str) -> None:
    before = image.read_bytes()
    code, _, err = refocus("--z", "1", "--overwrite", output=output)
    assert code == 2
    assert says in err
    assert image.read_bytes() == before


def test_an_interruption_leaves_nothing(refocus, tmp_path: Path, monkeypatch) -> None:
    from deepz_zoo.network.graph.wrapper import DeepZModel

    before = set(tmp_path.iterdir())

    def interrupt(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(DeepZModel, "refocus", interrupt)
    assert refocus("--z", "1")[0] == 130
    assert set(tmp_path.iterdir()) == before


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["--z", "20", "--clip"], "z = +10 µm, clipped to ±10 µm"),
        (["--tilt", "1", "--tilt-axis", "x", "--offset", "2"], "tilted by 1° around x"),
        (["--z", "1", "--pixel-size", "0.65", "--resample"], "resampled to 80 × 100 px and back"),
        (["--z", "-0"], "z = +0 µm"),
    ],
)
def test_the_file_states_what_was_done(refocus, tmp_path: Path, arguments, says: str) -> None:
    code, _, err = refocus(*arguments)
    assert code == 0, err
    with tifffile.TiffFile(tmp_path / "out.tif") as tif:
        assert says in tif.ome_metadata
        assert 'PositionZ="-0' not in tif.ome_metadata


def test_the_optics_of_the_input_are_kept(refocus, tmp_path: Path) -> None:
    path = tmp_path / "worm.ome.tif"
    optics: dict[str, Any] = {
        "emission_um": (0.615,),
        "numerical_aperture": 0.8,
        "immersion": "Air",
    }
    write_image(path, Image(picture(40, 50), "yx", 0.325, channel_names=("TxRd",), **optics))
    code, _, err = refocus("--z", "1", image=path)
    assert code == 0, err
    found = read_image(tmp_path / "out.tif")
    assert {name: getattr(found, name) for name in optics} == optics
    assert found.channel_names == ("TxRd",)


def test_a_result_that_is_not_finite_is_not_written(refocus, run: Path, tmp_path: Path) -> None:
    weights = load_file(run / "best.safetensors")
    weights["last.bias"] += float("nan")
    save_file(weights, run / "best.safetensors")
    code, _, err = refocus("--z", "1")
    assert code == 2
    assert "last.bias hold NaN or infinity" in err
    assert not (tmp_path / "out.tif").exists()
