"""What is written, read by Bio-Formats: a reader that is not this code, and that Fiji opens by."""

from __future__ import annotations

import shutil
from typing import Any

import numpy as np
import pytest

from deepz_zoo.images import Image, read_image, write_image

pytestmark = pytest.mark.java

SIZES = {"t": 2, "z": 3, "c": 2, "y": 17, "x": 19}


def test_every_kind_of_image(read_with_bioformats, tmp_path):
    images: dict[str, Image] = {}
    for style in ("ome", "imagej"):
        for axes in ("yx", "zyx", "tyx", "cyx", "tzyx", "tzcyx"):
            for dtype in ("uint8", "uint16", "float32"):
                image = _image(axes, dtype, named=style == "ome" and "c" in axes)
                name = f"{style}_{axes}_{dtype}.{'ome.tif' if style == 'ome' else 'tif'}"
                write_image(tmp_path / name, image, style=style, description="a note with µ")
                images[name] = image
    found = read_with_bioformats(*(tmp_path / name for name in images))
    for name, image in images.items():
        _compare(name, image, found[name])


def _image(axes: str, dtype: str, *, named: bool) -> Image:
    shape = tuple(SIZES[axis] for axis in axes)
    return Image(
        np.random.default_rng(3).integers(0, 250, shape).astype(dtype),
        axes,
        pixel_size_um=0.1625,
        z_step_um=0.27 if "z" in axes else None,
        z_origin_um=-0.54 if "z" in axes else 0.0,
        frame_interval_s=0.25 if "t" in axes else None,
        channel_names=("TxRd", "FITC") if named else (),
        emission_um=(0.615, 0.525) if named else (),
        numerical_aperture=0.8 if named else None,
        immersion="Oil" if named else None,
    )


def _compare(name: str, image: Image, found: dict[str, Any]) -> None:
    ome = name.startswith("ome")
    assert (found["format"], found["series"]) == (
        "OME-TIFF" if ome else "Tagged Image File Format",
        1,
    )
    shape = [SIZES[axis] if axis in image.axes else 1 for axis in "tzcyx"]
    assert found["data"].dtype.newbyteorder("=") == image.data.dtype, name
    np.testing.assert_array_equal(found["data"], image.data.reshape(shape), err_msg=name)
    assert (found["x_um"], found["y_um"]) == pytest.approx((0.1625, 0.1625)), name
    if "z" in image.axes:
        assert found["z_step_um"] == pytest.approx(0.27), name
    if "z" in image.axes and ome:  # Bio-Formats ignores the origin of ImageJ's TIFF
        assert found["z_um"] == pytest.approx([-0.54, -0.27, 0.0]), name
    if "t" in image.axes:
        assert found["interval_s"] == pytest.approx(0.25), name
    if image.channel_names:
        assert found["channels"] == ["TxRd", "FITC"], name
        assert found["emission_nm"] == pytest.approx([615, 525]), name
        assert (found["na"], found["immersion"]) == (0.8, "Oil"), name


def test_what_commands_write(read_with_bioformats, run_cli, run, unpacked, tmp_path):
    """A refocused stack of either kind, and the sample images of a package."""
    source = tmp_path / "worm.ome.tif"
    write_image(source, Image(np.full((32, 40), 500, np.uint16), "yx", pixel_size_um=0.325))
    paths = []
    for style in ("ome", "imagej"):
        paths.append(tmp_path / f"refocused_{style}.tif")
        code, _, err = run_cli(
            "refocus", source, "-o", paths[-1], "--format", style,
            "--weights", run / "best.safetensors", "--z", "-2:4:2",
        )  # fmt: skip
        assert code == 0, err
    for name in ("sample_input.tif", "sample_output.tif"):
        paths.append(tmp_path / name)
        shutil.copy(unpacked / name, paths[-1])
    found = read_with_bioformats(*paths)
    for path in paths:
        ours, theirs = read_image(path), found[path.name]
        np.testing.assert_array_equal(theirs["data"].squeeze(), ours.data.squeeze())
        assert theirs["x_um"] == (ours.pixel_size_um and pytest.approx(ours.pixel_size_um))
        if "z" in ours.axes:
            assert theirs["data"].shape[1] == 4
            assert theirs["z_step_um"] == pytest.approx(2)
    assert found["refocused_ome.tif"]["z_um"] == pytest.approx([-2, 0, 2, 4])
