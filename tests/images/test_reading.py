"""Files as images: axes, positions, and what is refused."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile

from deepz_zoo import memory
from deepz_zoo.errors import DeepZError
from deepz_zoo.images import count_positions, read_image

SHARED = Path(__file__).resolve().parents[3] / "shared" / "data"


def test_lookup_table_of_imagej_is_no_color(tmp_path: Path) -> None:
    grey = np.random.default_rng(0).integers(0, 255, (20, 30)).astype(np.uint8)
    path = tmp_path / "fire.tif"
    fire = np.zeros((3, 256), np.uint16)
    tifffile.imwrite(path, grey, colormap=fire, description="ImageJ=1.53t\n", metadata=None)
    np.testing.assert_array_equal(read_image(path).data, grey)
    green = fire.copy()
    green[1] = np.arange(256) * 257  # as Bio-Formats writes channels that Olympus shows in green
    tifffile.imwrite(path, grey, colormap=green, metadata=None)
    np.testing.assert_array_equal(read_image(path).data, grey)
    tifffile.imwrite(path, grey, colormap=fire, metadata=None)
    with pytest.raises(DeepZError, match="has a palette of colors"):
        read_image(path)


def test_values_that_are_no_intensities_are_refused(tmp_path: Path, monkeypatch) -> None:
    path = tmp_path / "a.tif"
    grey = np.ones((20, 30), np.uint8)
    tifffile.imwrite(path, grey, photometric="miniswhite")
    with pytest.raises(DeepZError, match="shows white where the value is 0.*Invert LUT"):
        read_image(path)
    tifffile.imwrite(path, np.full((20, 30), 1e37, np.float32))
    with pytest.raises(DeepZError, match=r"values up to 1e\+37; expected .* at most 1e\+15"):
        read_image(path)


def test_what_is_too_large_is_refused_before_it_is_read(tmp_path: Path, stack, monkeypatch) -> None:
    path = tmp_path / "a.tif"
    tifffile.imwrite(path, stack, photometric="minisblack")
    monkeypatch.setattr(memory, "available_bytes", lambda: stack.nbytes - 1)
    monkeypatch.setattr(tifffile.TiffPageSeries, "asarray", None)
    with pytest.raises(
        DeepZError, match=r"a\.tif \(.* px\) would take .* of memory, and .* available"
    ):
        read_image(path)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs named pipes: run on Linux or macOS")
def test_a_pipe_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "a.tif")
    with pytest.raises(DeepZError, match="is not a regular file; expected an image file"):
        read_image(tmp_path / "a.tif")


@pytest.mark.parametrize("size", ["inf", "nan", "0", "-0.3"])
def test_sizes_that_cannot_be_meant_are_no_calibration(tmp_path: Path, stack, size: str) -> None:
    path = tmp_path / "a.ome.tif"
    metadata = {"axes": "ZYX", "PhysicalSizeX": 0.5, "PhysicalSizeY": 0.5, "TimeIncrement": 2.0}
    tifffile.imwrite(path, stack, ome=True, metadata=metadata)
    xml = (
        str(tifffile.tiffcomment(path)).replace('"0.5"', f'"{size}"').replace('"2.0"', f'"{size}"')
    )
    tifffile.tiffcomment(path, xml.encode())
    image = read_image(path)
    assert (image.pixel_size_um, image.frame_interval_s) == (None, None)


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_png(tmp_path: Path, stack, dtype) -> None:
    from imageio.v3 import imwrite

    data = stack[0].astype(dtype)
    imwrite(tmp_path / "a.png", data)
    image = read_image(tmp_path / "a.png")
    assert (image.axes, image.pixel_size_um, image.data.dtype) == ("yx", None, dtype)
    np.testing.assert_array_equal(image.data, data)


@pytest.mark.parametrize(
    ("name", "axes", "shape", "pixel_um", "step_um"),
    [
        ("01_neubias_hoechst_confocal_widefield_ZCYX.tif", "zcyx", (45, 2, 130, 133), 0.512, 0.499),
        ("02_pyotf_bead_NA0.85air_520nm_dx130_dz300.tif", "qyx", (25, 256, 256), None, None),
        ("zephir_celegans_xyMIP_512x200x512.tif", "tyx", (512, 200, 512), None, None),
    ],
)
def test_real_files(name: str, axes: str, shape: tuple[int, ...], pixel_um, step_um) -> None:
    if not (SHARED / name).exists():
        pytest.skip(f"{name} is not here")
    image = read_image(SHARED / name)
    assert (image.axes, image.data.shape) == (axes, shape)
    assert image.pixel_size_um == (pixel_um and pytest.approx(pixel_um, abs=5e-4))
    assert image.z_step_um == (step_um and pytest.approx(step_um, abs=5e-4))


# ------------------------------------------------------------------------------------------- axes


def test_axes_can_be_named(tmp_path: Path, stack) -> None:
    path = tmp_path / "a.tif"
    tifffile.imwrite(path, stack, photometric="minisblack", metadata=None)
    assert read_image(path).axes == "qyx"
    image = read_image(path, axes="tyx")
    assert image.axes == "tyx"
    swapped = read_image(path, axes="xty")
    np.testing.assert_array_equal(swapped.data, stack.transpose(1, 2, 0))
    assert swapped.axes == "tyx"


@pytest.mark.parametrize("axes", ["yx", "tzyx", "tty", "qyx", "zyc"])
def test_axes_that_do_not_fit_are_refused(tmp_path: Path, stack, axes: str) -> None:
    path = tmp_path / "a.tif"
    tifffile.imwrite(path, stack, photometric="minisblack", metadata=None)
    with pytest.raises(DeepZError, match=f"axes '{axes}'"):
        read_image(path, axes=axes)


def test_what_the_file_states_stays_with_named_axes(tmp_path: Path, stack) -> None:
    path = tmp_path / "a.ome.tif"
    lens = '<Instrument ID="I:0"><Objective ID="O:0" LensNA="1.3" Immersion="Oil"/></Instrument>'
    metadata = {
        "axes": "ZCYX",
        "PhysicalSizeX": 0.325,
        "PhysicalSizeZ": 0.5,
        "Channel": {"Name": ["a", "b"], "EmissionWavelength": [509, 615]},
    }
    tifffile.imwrite(path, stack.reshape(2, 2, 24, 33), ome=True, metadata=metadata)
    xml = str(tifffile.tiffcomment(path)).replace("<Image ", f"{lens}<Image ", 1)
    tifffile.tiffcomment(path, xml.encode())
    before = read_image(path)
    assert (before.numerical_aperture, before.immersion) == (1.3, "Oil")
    after = read_image(path, axes="tcyx")
    assert after.data is not before.data
    assert replace(after, data=before.data, axes="zcyx").calibration == before.calibration
    for name in ("emission_um", "numerical_aperture", "immersion", "channel_names"):
        assert getattr(after, name) == getattr(before, name)


def test_what_is_stated_of_channels_goes_where_they_are_no_channels(tmp_path: Path, stack) -> None:
    path = tmp_path / "a.ome.tif"
    channel = {"Name": list("abcd"), "EmissionWavelength": [500, 510, 520, 530]}
    tifffile.imwrite(path, stack, ome=True, metadata={"axes": "CYX", "Channel": channel})
    frames = read_image(path, axes="tyx")
    assert (frames.channel_names, frames.emission_um) == ((), ())


def test_axes_of_length_one_are_dropped(tmp_path: Path, stack) -> None:
    path = tmp_path / "a.ome.tif"
    tifffile.imwrite(path, stack[None, :, None], ome=True, metadata={"axes": "TZCYX"})
    assert read_image(path).axes == "zyx"


# -------------------------------------------------------------------------------------- positions


def position_planes(position: int) -> np.ndarray:
    return np.random.default_rng(position).integers(90, 999, (4, 20, 24)).astype(np.uint16)


def test_positions_of_one_file_with_their_own_calibration(tmp_path: Path) -> None:
    path = tmp_path / "positions.ome.tif"
    with tifffile.TiffWriter(path, ome=True) as file:
        for position, step_um in enumerate((0.5, 0.3, 1.0)):
            z_um = [step_um * z for z in range(4)]
            file.write(
                position_planes(position),
                metadata={
                    "axes": "ZYX",
                    "PhysicalSizeX": 0.325,
                    "PhysicalSizeY": 0.325,
                    "PhysicalSizeZ": step_um,
                    "Plane": {"PositionZ": z_um},
                },
            )
    assert count_positions(path) == 3
    for position, step_um in enumerate((0.5, 0.3, 1.0)):
        image = read_image(path, position=position)
        np.testing.assert_array_equal(image.data, position_planes(position))
        assert (image.axes, image.pixel_size_um, image.z_step_um) == ("zyx", 0.325, step_um)
    with pytest.raises(DeepZError, match="holds 3 separate images"):
        read_image(path)


@pytest.fixture
def set_of_files(tmp_path: Path) -> list[Path]:
    """Return a file for each of two positions; as Micro-Manager's, each describes both."""
    paths = [tmp_path / f"set_{position}.ome.tif" for position in range(2)]
    ids = [f"urn:uuid:{position:08d}-0000-0000-0000-000000000000" for position in range(2)]
    images = "".join(
        f'<Image ID="Image:{i}"><Pixels ID="Pixels:{i}" DimensionOrder="XYZCT" Type="uint16" '
        'SizeX="24" SizeY="20" SizeZ="4" SizeC="1" SizeT="1" PhysicalSizeX="0.325" '
        'PhysicalSizeY="0.325" PhysicalSizeZ="0.5">'
        f'<Channel ID="Channel:{i}:0" SamplesPerPixel="1"/><TiffData IFD="0" PlaneCount="4">'
        f'<UUID FileName="{path.name}">{uuid}</UUID></TiffData></Pixels></Image>'
        for i, (path, uuid) in enumerate(zip(paths, ids, strict=True))
    )
    for position, (path, uuid) in enumerate(zip(paths, ids, strict=True)):
        xml = f'<OME xmlns="http://www.openmicroscopy.org/Schemas/OME/2016-06" UUID="{uuid}">'
        tifffile.imwrite(
            path,
            position_planes(position),
            description=f"{xml}{images}</OME>",
            metadata=None,
            photometric="minisblack",
        )
    return paths


@pytest.mark.parametrize("opened", [0, 1])
def test_positions_in_a_set_of_files_are_read_from_their_own(set_of_files, opened: int) -> None:
    assert count_positions(set_of_files[opened]) == 2
    for position in range(2):
        image = read_image(set_of_files[opened], position=position)
        np.testing.assert_array_equal(image.data, position_planes(position))


def test_a_set_with_a_file_missing_is_refused(set_of_files) -> None:
    set_of_files[1].unlink()
    with pytest.raises(DeepZError, match="set_1.ome.tif"):
        read_image(set_of_files[0], position=0)


@pytest.mark.parametrize(("name", "content"), [("a.tif", b""), ("b.tif", b"II*\0\x08")])
def test_positions_of_a_damaged_file(tmp_path: Path, name: str, content: bytes) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(DeepZError, match=name):
        count_positions(tmp_path / name)


# --------------------------------------------------------------------------------------- refusals


def _bad(kind: str, path: Path) -> None:
    grey = np.ones((20, 30), np.float32)
    if kind == "empty":
        path.write_bytes(b"")
    elif kind == "text":
        path.write_text("x,y\n1,2\n")
    elif kind == "jpeg":
        path.write_bytes(b"\xff\xd8\xff\xe0 and so on")
    elif kind == "folder":
        path.mkdir()
    elif kind == "rgb":
        tifffile.imwrite(path, np.zeros((20, 30, 3), np.uint8), photometric="rgb")
    elif kind == "rgb stack":
        tifffile.imwrite(path, np.zeros((4, 20, 30, 3), np.uint8), imagej=True)
    elif kind == "rgb png":
        from imageio.v3 import imwrite

        imwrite(path, np.zeros((20, 30, 3), np.uint8), extension=".png")
    elif kind == "complex":
        tifffile.imwrite(path, grey.astype(np.complex64))
    elif kind == "bool":
        tifffile.imwrite(path, grey > 0)
    elif kind == "nan":
        grey[3, 4] = np.nan
        tifffile.imwrite(path, grey)
    elif kind == "inf":
        grey[3, 4] = np.inf
        tifffile.imwrite(path, grey)
    elif kind == "oblong":
        tifffile.imwrite(path, grey, imagej=True, resolution=(2, 4), metadata={"unit": "um"})
    elif kind == "several":
        with tifffile.TiffWriter(path) as tif:
            tif.write(grey, metadata=None)
            tif.write(grey[:10], metadata=None)


@pytest.mark.parametrize(
    ("kind", "says"),
    [
        ("missing", "does not exist"),
        ("empty", "empty"),
        ("text", "neither a TIFF nor a PNG"),
        ("jpeg", "JPEG"),
        ("folder", "is a folder"),
        ("rgb", "split the channels"),
        ("rgb stack", "split the channels"),
        ("rgb png", "split the channels"),
        ("complex", "complex"),
        ("bool", "1 bit"),
        ("nan", "1 of 600 pixels are NaN"),
        ("inf", "1 of 600 pixels are NaN or infinite"),
        ("oblong", "0.5 × 0.25"),
        ("several", "2 separate images"),
    ],
)
def test_bad_files_are_refused_by_name(tmp_path: Path, kind: str, says: str) -> None:
    path = tmp_path / "bad.tif"
    _bad(kind, path)
    with pytest.raises(DeepZError, match=says) as caught:
        read_image(path)
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("kind", ["plain", "imagej", "ome", "deflate", "ome-deflate", "png"])
def test_a_truncated_file_is_never_read_as_something_else(
    tmp_path: Path, stack, kind: str, caplog, capfd
) -> None:
    path = tmp_path / f"a.{'png' if kind == 'png' else 'tif'}"
    if kind == "png":
        from imageio.v3 import imwrite

        imwrite(path, stack[0])
    else:
        choices: dict[str, dict[str, Any]] = {
            "plain": {},
            "imagej": {"imagej": True, "metadata": {"axes": "ZYX", "Labels": ["a"] * 4}},
            "ome": {"ome": True, "metadata": {"axes": "ZYX"}},
            "deflate": {"compression": "deflate", "tile": (16, 16)},
            "ome-deflate": {"ome": True, "compression": "deflate", "metadata": {"axes": "ZYX"}},
        }
        tifffile.imwrite(path, stack, photometric="minisblack", **choices[kind])
    whole, content = read_image(path), path.read_bytes()
    refused = 0
    for length in np.linspace(4, len(content) - 1, 40).astype(int):
        path.write_bytes(content[:length])
        try:
            image = read_image(path)
        except DeepZError:
            refused += 1
        else:
            np.testing.assert_array_equal(image.data, whole.data)
            assert image.axes == whole.axes
    assert refused > 30
    assert capfd.readouterr().err == ""


def test_a_file_without_an_image_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "short.tif"
    path.write_bytes(b"II*\0\x08\0\0\0")  # a header, and nothing where it points to
    with pytest.raises(DeepZError, match="holds no image"):
        count_positions(path)
