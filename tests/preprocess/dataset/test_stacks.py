"""One z-stack from each image of a file, acquired upward or downward."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import tifffile

from deepz_zoo.errors import DeepZError
from deepz_zoo.images import Image, write_image
from deepz_zoo.preprocess.dataset.stacks import read_stack
from deepz_zoo.records.dataset import StackReading
from tests.builders import BEAD


def planes(*shape: int, dtype=np.uint16) -> np.ndarray:
    return np.random.default_rng(0).integers(90, 250, shape).astype(dtype)


@pytest.fixture
def save(tmp_path: Path):
    """Return a function that writes an image of 0.325 µm pixels and 0.5 µm steps."""

    def write(data: np.ndarray, axes: str = "zyx", **changes) -> Path:
        known = {"pixel_size_um": 0.325, "z_step_um": 0.5} | changes
        write_image(tmp_path / "stack.tif", Image(data, axes, **known))
        return tmp_path / "stack.tif"

    return write


def read(path: Path, **reading):
    return read_stack(path, None, StackReading(**reading), 0.325)


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.float32])
def test_sampling_and_type_come_from_the_file(save, dtype) -> None:
    data = planes(6, 20, 24, dtype=dtype)
    stack = read(save(data))
    assert (stack.pixel_size_um, stack.z_step_um, stack.data.dtype) == (0.325, 0.5, dtype)
    np.testing.assert_array_equal(stack.data, data)


@pytest.mark.parametrize("reading", [{}, {"z_step_um": 0.25}])
def test_a_stack_acquired_downward_is_reversed(save, reading) -> None:
    data = planes(6, 20, 24)
    stack = read(save(data, z_step_um=-0.5), **reading)
    np.testing.assert_array_equal(stack.data, data[::-1])
    assert stack.z_step_um == reading.get("z_step_um", 0.5)


def test_what_the_user_says_comes_before_the_file(save) -> None:
    path = save(planes(6, 20, 24), pixel_size_um=0.65, z_step_um=None)
    stack = read(path, z_step_um=0.3, pixel_size_um=0.33)
    assert (stack.pixel_size_um, stack.z_step_um) == (0.33, 0.3)


def test_one_channel_is_taken(save) -> None:
    data = planes(6, 2, 20, 24)
    path = save(data, "zcyx", channel_names=("DAPI", "TxRd"))
    for chosen in (2, "2", "TxRd", "txrd"):
        np.testing.assert_array_equal(read(path, input_channel=chosen).data, data[:, 1])
    with pytest.raises(DeepZError, match=r"2 channels \(DAPI, TxRd\)"):
        read(path)
    for missing in (3, "3", "FITC"):
        with pytest.raises(DeepZError, match=f"no channel '{missing}' in the image; there are 2"):
            read(path, input_channel=missing)


def test_an_integer_is_a_number_of_a_channel_and_a_string_first_a_name(save) -> None:
    data = planes(6, 2, 20, 24)
    path = save(data, "zcyx", channel_names=("2", "1"))
    np.testing.assert_array_equal(read(path, input_channel=2).data, data[:, 1])
    np.testing.assert_array_equal(read(path, input_channel="2").data, data[:, 0])


def test_another_pixel_size_is_resampled_and_integers_stay_in_range(save) -> None:
    data = planes(6, 40, 60, dtype=np.uint8)
    data[:, 10:30:2, 10:50:2] = 255
    stack = read(save(data, pixel_size_um=0.2), mismatch="resample")
    assert stack.data.shape == (6, 25, 37)
    assert stack.data.dtype == np.uint8
    assert stack.pixel_size_um == 0.325
    assert abs(stack.data.mean() - data.mean()) < 3


def test_an_acquired_stack_is_read_as_its_file_says() -> None:
    stack = read(BEAD, mismatch="ignore")
    assert stack.data.shape == (25, 112, 112)
    assert (stack.pixel_size_um, stack.z_step_um) == (0.13, 0.3)
    assert int(stack.data.max(axis=(1, 2)).argmax()) == 12


def test_unnamed_planes_are_taken_for_z(tmp_path: Path) -> None:
    path = tmp_path / "unnamed.tif"
    with tifffile.TiffWriter(path) as file:
        for plane in tifffile.imread(BEAD):
            file.write(plane, contiguous=False, metadata=None)
    stack = read(path, z_step_um=0.3, pixel_size_um=0.13, mismatch="ignore")
    np.testing.assert_array_equal(stack.data, tifffile.imread(BEAD))


@pytest.mark.parametrize(
    ("shape", "axes", "changes", "message"),
    [
        ((4, 20, 24), "zyx", {}, "only 4 planes (4×20×24)"),
        ((20, 24), "yx", {"z_step_um": None}, "a single image (20×24); expected a z-stack"),
        ((6, 20, 24), "tyx", {"z_step_um": None}, "a time series of 6 frames"),
        ((2, 6, 20, 24), "tzyx", {}, "a time series of 2 frames"),
        ((6, 20, 24), "zyx", {"z_step_um": None}, "z step; set `z_step_um`"),
        ((6, 20, 24), "zyx", {"pixel_size_um": None}, "pixel size; set `pixel_size_um`"),
        ((6, 20, 24), "zyx", {"pixel_size_um": 0.65}, "pixels of 0.65 µm"),
    ],
)
def test_what_is_no_stack_is_refused_by_name(save, shape, axes: str, changes, message) -> None:
    path = save(planes(*shape), axes, **changes)
    with pytest.raises(DeepZError) as caught:
        read(path)
    assert str(caught.value).startswith(f"{path}: ")
    assert message in str(caught.value)


def test_the_image_of_a_file_with_several_is_named(save) -> None:
    with pytest.raises(DeepZError, match=r"stack.tif, image 1: only 3 planes"):
        read_stack(save(planes(3, 20, 24)), 0, StackReading(), 0.325)
