"""The public `Model` does what the command line does, on any kind of array."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest

import deepz_zoo
from deepz_zoo import DeepZError, Image, Model, Tilt, open_image, read_image, write_image
from tests.builders import blurred_stack

dask_array = pytest.importorskip("dask.array", reason="pip install dask")
xarray = pytest.importorskip("xarray", reason="pip install xarray")

NAME = "leica20x_0.8/TxRd"
PIXEL_UM = 0.325


@pytest.fixture(scope="module")
def small(built) -> Model:
    return deepz_zoo.load_model(built)


@pytest.fixture(scope="module")
def image():
    return blurred_stack((48, 40)).camera[3]


def test_array_and_command_line_agree(small, image, built, tmp_path, run_cli):
    source, output = tmp_path / "image.tif", tmp_path / "out.tif"
    write_image(source, Image(image, "yx", PIXEL_UM))
    words = ("--weights", built, "--z", "-2:2:2", "--engine", "torch", "--precision", "float32")
    code, _, err = run_cli("refocus", NAME, source, "-o", output, *words)
    assert code == 0, err
    found = read_image(output)
    np.testing.assert_allclose(small.refocus(image, z=[-2, 0, 2]), found.data, rtol=1e-5)
    again = small.refocus(read_image(source), z="-2:2:2")
    with open_image(source) as stored:
        np.testing.assert_array_equal(small.refocus(stored, z="-2:2:2").data, again.data)
    assert (again.axes, again.z_um, again.pixel_size_um) == (found.axes, found.z_um, PIXEL_UM)


def test_axes_before_y_and_x_are_kept_and_z_stands_after_them(small, image):
    series = np.stack([[image, image // 2], [image // 3, image]])
    assert small.refocus(series, z=1).shape == (2, 2, 48, 40)
    refocused = small.refocus(series, z=[-1.0, 1.0])
    assert refocused.shape == (2, 2, 2, 48, 40)
    np.testing.assert_array_equal(refocused[1, 0], small.refocus(image // 3, z=(-1, 1)))
    np.testing.assert_allclose(refocused[0, 0, 1], small.refocus(image, z=1.0), rtol=1e-5)


def test_an_image_with_channels_has_z_where_files_have_it(small, image, tmp_path):
    series = Image(np.stack([[image, image // 2]] * 3), "tcyx", PIXEL_UM, channel_names=("a", "b"))
    refocused = small.refocus(series, z=[-1, 0, 1, 2])
    assert (refocused.axes, refocused.data.shape) == ("tzcyx", (3, 4, 2, 48, 40))
    write_image(tmp_path / "out.tif", refocused)
    found = read_image(tmp_path / "out.tif")
    assert (found.axes, found.z_um, found.channel_names) == ("tzcyx", (-1, 0, 1, 2), ("a", "b"))


def test_a_lazy_array_stays_lazy_and_gives_the_same(small, image):
    computed = []

    def load(block):
        computed.append(block.shape)
        return block

    series = np.stack([image, image // 2, image // 3])
    lazy = dask_array.from_array(series, chunks=(1, 20, 20)).map_blocks(load, dtype=image.dtype)
    computed.clear()
    for z, axes in ((2.0, (3, 48, 40)), ([0, 2], (3, 2, 48, 40))):
        refocused = small.refocus(lazy, z=z)
        assert isinstance(refocused, dask_array.Array)
        assert (refocused.shape, refocused.dtype, computed) == (axes, np.float32, [])
        np.testing.assert_array_equal(refocused.compute(), small.refocus(series, z=z))
        computed.clear()
    with pytest.raises(DeepZError, match="trained from -10"):
        small.refocus(lazy, z=11)
    assert not computed


def test_an_xarray_keeps_its_names_and_coordinates(small, image):
    x = ("x", np.arange(40) * PIXEL_UM, {"units": "µm"})
    data = np.stack([image, image // 2]).transpose(1, 2, 0)
    array = xarray.DataArray(data, {"x": x, "c": ["red", "green"]}, ("y", "x", "c"), "worm")
    refocused = small.refocus(array, z=[-1, 0.5])
    assert (refocused.dims, refocused.name) == (("c", "z", "y", "x"), "worm")
    assert (list(refocused.z.values), refocused.z.units) == ([-1, 0.5], "µm")
    np.testing.assert_array_equal(refocused.sel(c="green"), small.refocus(image // 2, z=[-1, 0.5]))
    assert isinstance(small.refocus(array.chunk(), z=1).data, dask_array.Array)
    other = array.assign_coords(x=("x", np.arange(40) * 0.65, {"units": "µm"}))
    with pytest.raises(DeepZError, match=r"0\.65 µm"):
        small.refocus(other, z=1)
    assert small.refocus(other, z=1, resample=True).shape == (2, 48, 40)


@pytest.mark.parametrize(
    ("change", "arguments", "message"),
    [
        (lambda image: image, {}, "exactly one of `z` and `dpm`; found none"),
        (lambda image: image, {"z": 1, "dpm": Tilt(1)}, "found both"),
        (lambda image: image, {"z": 11}, "set `clip`"),
        (lambda image: image, {"z": []}, "expected a number or a list"),
        (lambda image: image, {"z": "a"}, "expected a number, numbers with commas"),
        (lambda image: image, {"z": ["a"]}, "expected a number or a list"),
        (lambda image: image, {"z": [[1, 2], [3, 4]]}, "is given as `dpm`"),
        (lambda image: image, {"z": np.nan}, "NaN or infinite distances"),
        (lambda image: image, {"dpm": np.zeros((3, 3))}, "expected a height for each pixel"),
        (lambda image: image, {"dpm": np.zeros((48, 40), int)}, "um_per_grey_level"),
        (lambda image: image, {"dpm": np.full((48, 40), np.nan)}, "NaN"),
        (lambda image: image, {"z": 1, "pixel_size_um": 0.65}, r"0\.65 µm"),
        (
            lambda image: image,
            {"z": 1, "resample": True, "ignore_pixel_size": True},
            "exclude each other",
        ),
        (lambda image: np.where(image > 0, image, np.nan) * np.nan, {"z": 1}, "NaN or infinite"),
        (lambda image: image * 1e20, {"z": 1}, "divide the image by a constant"),
        (lambda image: image > 3, {"z": 1}, "pixels of type bool"),
        (lambda image: image[:0], {"z": 1}, "no pixels"),
        (lambda image: image[:3, :3], {"z": 1}, "expected 16 × 16 or more"),
        (lambda image: image[0], {"z": 1}, "1 axes"),
        (lambda image: image.tolist(), {"z": 1}, "of type list"),
        (lambda image: Image(np.stack([image] * 2), "zyx"), {"z": 1}, "z-stack of 2 planes"),
        (lambda image: Image(np.stack([image] * 2), "qyx"), {"z": 1}, "have no names"),
        (lambda image: xarray.DataArray(image, dims=("a", "b")), {"z": 1}, "expected y and x"),
    ],
)
def test_what_cannot_be_refocused_is_refused_in_one_line(small, image, change, arguments, message):
    with pytest.raises(DeepZError, match=message) as error:
        small.refocus(change(image), **arguments)
    assert "\n" not in str(error.value)


def test_doubts_are_warnings(small, image):
    with pytest.warns(UserWarning, match="outside the trained range"):
        small.refocus(image, z=11, clip=True)
    with pytest.warns(UserWarning, match="nothing to refocus"):
        small.refocus(np.full((32, 32), 7), z=1)


def test_a_model_of_the_zoo_simulates_and_knows_itself():
    model = deepz_zoo.load_model(NAME)
    assert (model.name, model.pixel_size_um, model.z_range_um) == (NAME, PIXEL_UM, 10)
    stack = model.simulate("beads", shape=(32, 32), seed=5)
    assert stack.camera.shape[1:] == (32, 32)
    assert stack.system.name == NAME


def test_a_package_is_one_of_the_command_line(small, tmp_path):
    path = small.package(tmp_path / "model.zip", test=False)
    assert deepz_zoo.load_model(path).manifest == small.manifest
    with pytest.raises(DeepZError, match=r"model\.zip"):
        small.package(path, test=False)


def test_no_beads_are_no_calibration(small):
    with pytest.raises(DeepZError, match="no image of beads"):
        small.calibrate()


def test_import_loads_nothing_that_is_large():
    code = (
        "import deepz_zoo, sys; assert not {'torch', 'numpy', 'xarray', 'dask'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
