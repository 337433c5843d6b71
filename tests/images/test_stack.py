"""One calibrated stack or plane of a file."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import tifffile

from deepz_zoo.errors import DeepZError
from deepz_zoo.images import Image, write_image
from deepz_zoo.images.stack import read_plane, read_stack, read_stack_or_plane

STACK = np.arange(3 * 8 * 8, dtype=np.uint16).reshape(3, 8, 8)


@pytest.fixture
def stack(tmp_path: Path) -> Path:
    write_image(path := tmp_path / "stack.tif", Image(STACK, "zyx", 0.3, 0.5))
    return path


def test_a_stack_comes_in_increasing_stage_z(stack) -> None:
    image = read_stack(stack)
    assert (image.axes, image.pixel_size_um, image.z_step_um) == ("zyx", 0.3, 0.5)
    np.testing.assert_array_equal(image.data, STACK)
    np.testing.assert_array_equal(read_stack(stack, reverse=True).data, STACK[::-1])
    other = read_stack(stack, pixel_size_um=0.2, z_step_um=1.0)
    assert (other.pixel_size_um, other.z_step_um) == (0.2, 1.0)


def test_what_a_file_does_not_say_is_asked_for(tmp_path) -> None:
    tifffile.imwrite(path := tmp_path / "a.tif", STACK, photometric="minisblack", metadata=None)
    with pytest.raises(DeepZError, match="does not say its pixel size.*`pixel_size_um`"):
        read_stack(path)
    with pytest.raises(DeepZError, match="does not say its z step.*`z_step_um`"):
        read_stack(path, pixel_size_um=0.3)
    assert read_stack(path, pixel_size_um=0.3, z_step_um=1.0).axes == "zyx"


def test_a_plane_is_told_from_a_stack(stack, tmp_path) -> None:
    with pytest.raises(DeepZError, match="expected one plane"):
        read_plane(stack)
    write_image(path := tmp_path / "plane.tif", Image(STACK[0], "yx", 0.3))
    assert read_plane(path).pixel_size_um == 0.3
    with pytest.raises(DeepZError, match=r"expected one z-stack \(zyx\)"):
        read_stack(path)
    write_image(path := tmp_path / "channels.tif", Image(STACK[:2], "cyx", 0.3))
    np.testing.assert_array_equal(read_plane(path, input_channel="2").data, STACK[1])


def test_either_is_read_where_both_will_do(stack, tmp_path) -> None:
    write_image(plane := tmp_path / "plane.tif", Image(STACK[0], "yx", 0.3))
    assert [read_stack_or_plane(path).axes for path in (stack, plane)] == ["zyx", "yx"]
    write_image(video := tmp_path / "video.tif", Image(STACK, "tyx", 0.3))
    with pytest.raises(DeepZError, match=r"expected one plane \(yx\) or one z-stack \(zyx\)"):
        read_stack_or_plane(video)
