"""Images to ImageJ and back; ImageJ's own TIFF writer and our reader are the witnesses."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from xarray import DataArray

from deepz_zoo.errors import DeepZError
from deepz_zoo.fiji.conversion import from_imageplus, from_xarray, to_imageplus, to_xarray
from deepz_zoo.images import Image, read_image

CASES = [
    ("yx", (7, 9), np.uint16),
    ("zyx", (5, 7, 9), np.uint16),
    ("tyx", (3, 7, 9), np.uint8),
    ("cyx", (2, 7, 9), np.float32),
    ("zcyx", (3, 4, 7, 9), np.uint16),
    ("tzcyx", (2, 3, 4, 7, 9), np.float32),
    ("tcyx", (2, 3, 7, 9), np.uint8),
]


def make(axes, shape, dtype):
    data = np.random.default_rng(1).integers(0, 250, shape).astype(dtype)
    if dtype == np.uint16:
        data[..., 0, 0] = 65_000  # beyond what a signed short of Java holds
    return Image(
        data,
        axes,
        pixel_size_um=0.325,
        z_step_um=0.5 if "z" in axes else None,
        z_origin_um=-1.5 if "z" in axes else 0.0,
        frame_interval_s=2.5 if "t" in axes else None,
    )


def assert_same(found, expected):
    assert found.axes == expected.axes
    assert found.data.dtype == expected.data.dtype
    np.testing.assert_array_equal(found.data, expected.data)
    for name in ("pixel_size_um", "z_step_um", "z_origin_um", "frame_interval_s"):
        assert getattr(found, name) == pytest.approx(getattr(expected, name)), name


@pytest.mark.java
@pytest.mark.parametrize(("axes", "shape", "dtype"), CASES, ids=lambda case: str(case))
def test_imagej_has_the_same_image(imagej, tmp_path, axes, shape, dtype):
    image = make(axes, shape, dtype)
    imp = to_imageplus(imagej, image)
    imagej.java_class("ij.IJ").saveAsTiff(imp, str(tmp_path / "saved.tif"))
    assert_same(read_image(tmp_path / "saved.tif"), image)
    assert_same(from_imageplus(imp), image)


@pytest.mark.java
def test_planes_are_slices_and_not_channels(imagej):
    imp = to_imageplus(imagej, make("zyx", (5, 7, 9), np.uint8))
    assert tuple(imp.getDimensions()) == (9, 7, 1, 5, 1)
    assert str(imp.getCalibration().getUnit()) == "µm"
    assert to_imageplus(imagej, Image(np.zeros((4, 7, 9)), "qyx")).getNSlices() == 4


@pytest.mark.java
def test_what_imagej_lacks_becomes_float(imagej):
    image = Image(np.array([[-3, 70_000], [1, 2]], dtype=np.int32), "yx")
    back = from_imageplus(to_imageplus(imagej, image))
    assert back.data.dtype == np.float32
    np.testing.assert_array_equal(back.data, image.data)
    assert back.pixel_size_um is None


@pytest.mark.java
def test_color_is_refused(imagej):
    imp = imagej.java_class("ij.IJ").createImage("color", "RGB", 4, 4, 1)
    with pytest.raises(DeepZError, match="color image"):
        from_imageplus(imp)


@pytest.mark.java
def test_lengths_in_other_units_become_um(imagej):
    imp = to_imageplus(imagej, make("zyx", (5, 7, 9), np.uint8))
    calibration = imp.getCalibration()
    calibration.setUnit("nm")
    calibration.pixelWidth = calibration.pixelHeight = 325.0
    calibration.pixelDepth = 500.0
    found = from_imageplus(imp)
    assert (found.pixel_size_um, found.z_step_um) == pytest.approx((0.325, 0.5))
    calibration.pixelHeight = 200.0
    with pytest.raises(DeepZError, match="expected squares"):
        from_imageplus(imp)


@pytest.mark.parametrize(("axes", "shape", "dtype"), CASES, ids=lambda case: str(case))
def test_xarray_and_back(axes, shape, dtype):
    image = make(axes, shape, dtype)
    assert_same(from_xarray(to_xarray(image)), image)


def test_xarray_keeps_the_optics():
    image = replace(
        make("cyx", (2, 7, 9), np.uint8),
        channel_names=("red", "green"),
        emission_um=(0.61, None),
        numerical_aperture=0.8,
        immersion="Air",
    )
    found = from_xarray(to_xarray(image))
    for name in ("channel_names", "emission_um", "numerical_aperture", "immersion"):
        assert getattr(found, name) == getattr(image, name)


def test_xarray_by_the_names_of_scikit_image():
    array = DataArray(
        np.zeros((6, 5, 4)),
        dims=("col", "row", "pln"),
        coords={"pln": [1.0, 1.5, 2.0, 2.5], "col": np.arange(6) * 0.2},
    )
    image = from_xarray(array)
    assert (image.axes, image.data.shape) == ("zyx", (4, 5, 6))
    assert (image.z_step_um, image.z_origin_um, image.pixel_size_um) == pytest.approx((0.5, 1, 0.2))


def test_xarray_of_other_dimensions_is_refused():
    with pytest.raises(DeepZError, match="dimensions a, y, x"):
        from_xarray(DataArray(np.zeros((2, 3, 4)), dims=("a", "y", "x")))


def test_an_uncalibrated_image_has_no_coordinates():
    image = replace(make("zyx", (5, 7, 9), np.uint8), pixel_size_um=None, z_step_um=None)
    assert not to_xarray(image).coords
