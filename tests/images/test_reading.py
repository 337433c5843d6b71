from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import tifffile

from deepz_zoo.errors import DeepZError
from deepz_zoo.files import replacing
from deepz_zoo.images import (
    Image,
    count_positions,
    even_step,
    read_image,
    write_image,
    write_planes,
)

SHARED = Path(__file__).resolve().parents[3] / "shared" / "data"
IJ_JAR = Path("/usr/share/java/ij.jar")


@pytest.fixture
def stack() -> np.ndarray:
    return np.random.default_rng(1).integers(90, 4000, (4, 24, 33)).astype(np.uint16)


# ------------------------------------------------------------------------------- calibration read


@pytest.mark.parametrize(
    ("unit", "per_unit", "expected_um"),
    [
        ("\\u00B5m", 1 / 0.325, 0.325),
        ("µm", 1 / 0.325, 0.325),
        ("um", 2.0, 0.5),
        ("micron", 4.0, 0.25),
        ("nm", 0.005, 0.2),
        ("mm", 2000.0, 0.5),
        ("cm", 30769.23, 0.325),
        ("inch", 78153.85, 0.325),
        ("inch", 72.0, None),
        ("pixel", 1.0, None),
        ("", 1.0, None),
        ("furlong", 1.0, None),
    ],
)
def test_imagej_units(tmp_path: Path, stack, unit: str, per_unit: float, expected_um) -> None:
    path = tmp_path / "a.tif"
    description = f"ImageJ=1.53t\nimages=1\nunit={unit}\n".encode()
    tifffile.imwrite(
        path, stack[0], description=description, metadata=None, resolution=(per_unit, per_unit)
    )
    assert read_image(path).pixel_size_um == (
        None if expected_um is None else pytest.approx(expected_um, rel=1e-6)
    )


@pytest.mark.parametrize(
    ("per_unit", "unit", "expected_um"),
    [
        (30769.23, "CENTIMETER", 0.325),
        (50800.0, "INCH", 0.5),
        (72.0, "INCH", None),
        (300.0, "INCH", None),
        (4.0, "NONE", None),
    ],
)
def test_baseline_tiff_units(tmp_path: Path, stack, per_unit, unit, expected_um) -> None:
    path = tmp_path / "a.tif"
    tifffile.imwrite(
        path, stack[0], resolution=(per_unit, per_unit), resolutionunit=unit, metadata=None
    )
    assert read_image(path).pixel_size_um == (
        None if expected_um is None else pytest.approx(expected_um, rel=1e-6)
    )


@pytest.mark.parametrize(("unit", "factor"), [("nm", 1e-3), ("µm", 1.0), ("mm", 1e3), (None, 1.0)])
def test_ome_units(tmp_path: Path, stack, unit: str | None, factor: float) -> None:
    path = tmp_path / "a.ome.tif"
    metadata = {"axes": "ZYX"}
    for name, value in (("X", 0.325), ("Y", 0.325), ("Z", 0.5)):
        metadata[f"PhysicalSize{name}"] = value / factor
        if unit:
            metadata[f"PhysicalSize{name}Unit"] = unit
    tifffile.imwrite(path, stack, ome=True, metadata=metadata)
    image = read_image(path)
    assert (image.axes, image.data.shape) == ("zyx", stack.shape)
    assert image.pixel_size_um == pytest.approx(0.325)
    assert image.z_step_um == pytest.approx(0.5)


def test_imagej_hyperstack_written_by_tifffile(tmp_path: Path) -> None:
    path = tmp_path / "a.tif"
    data = np.arange(2 * 3 * 4 * 20 * 30, dtype=np.uint16).reshape(2, 3, 4, 20, 30)
    tifffile.imwrite(
        path,
        data,
        imagej=True,
        resolution=(4, 4),
        metadata={"axes": "TZCYX", "unit": "um", "spacing": 0.5, "zorigin": 2, "finterval": 0.1},
    )
    image = read_image(path)
    assert image.axes == "tzcyx"
    np.testing.assert_array_equal(image.data, data)
    assert image.z_um == (-1.0, -0.5, 0.0)
    assert image.frame_interval_s == pytest.approx(0.1)


def test_lookup_table_of_imagej_is_no_color(tmp_path: Path) -> None:
    grey = np.random.default_rng(0).integers(0, 255, (20, 30)).astype(np.uint8)
    path = tmp_path / "fire.tif"
    tifffile.imwrite(path, grey, colormap=np.zeros((3, 256), np.uint16))
    np.testing.assert_array_equal(read_image(path).data, grey)


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


def test_axes_of_length_one_are_dropped(tmp_path: Path, stack) -> None:
    path = tmp_path / "a.ome.tif"
    tifffile.imwrite(path, stack[None, :, None], ome=True, metadata={"axes": "TZCYX"})
    assert read_image(path).axes == "zyx"


def test_image_refuses_wrong_axes() -> None:
    with pytest.raises(ValueError, match="do not fit"):
        Image(np.zeros((3, 4, 5)), "yx")


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
        options = {
            "plain": {},
            "imagej": {"imagej": True, "metadata": {"axes": "ZYX", "Labels": ["a"] * 4}},
            "ome": {"ome": True, "metadata": {"axes": "ZYX"}},
            "deflate": {"compression": "deflate", "tile": (16, 16)},
            "ome-deflate": {"ome": True, "compression": "deflate", "metadata": {"axes": "ZYX"}},
        }[kind]
        tifffile.imwrite(path, stack, photometric="minisblack", **options)
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


# ---------------------------------------------------------------------------------------- writing


@pytest.mark.parametrize("style", ["ome", "imagej"])
@pytest.mark.parametrize("axes", ["yx", "zyx", "tyx", "tzyx", "cyx", "tzcyx"])
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.float32, np.float64, np.int64])
def test_what_is_written_is_read(tmp_path: Path, style, axes: str, dtype) -> None:
    lengths = {"t": 2, "z": 3, "c": 2, "y": 17, "x": 19}
    shape = tuple(lengths[axis] for axis in axes)
    data = np.random.default_rng(3).integers(0, 250, shape).astype(dtype)
    image = Image(
        data,
        axes,
        pixel_size_um=0.1625,
        z_step_um=0.27 if "z" in axes else None,
        z_origin_um=-0.54 if "z" in axes else 0.0,
        channel_names=("TxRd", "FITC") if "c" in axes and style == "ome" else (),
        frame_interval_s=0.01 if "t" in axes else None,
    )
    path = tmp_path / "out.tif"
    write_image(path, image, style=style, description="a note with µ")
    back = read_image(path)
    assert back.axes == axes
    np.testing.assert_array_equal(back.data, data)
    assert back.data.dtype == (dtype if dtype in (np.uint8, np.uint16) else np.float32)
    assert back.pixel_size_um == pytest.approx(0.1625)
    assert back.z_step_um == (image.z_step_um and pytest.approx(0.27))
    assert back.z_origin_um == pytest.approx(image.z_origin_um)
    assert back.frame_interval_s == (image.frame_interval_s and pytest.approx(0.01))
    assert back.channel_names == image.channel_names
    assert [item.name for item in tmp_path.iterdir()] == ["out.tif"]


def test_descending_and_uneven_positions(tmp_path: Path) -> None:
    planes = np.zeros((3, 16, 16), np.float32)
    options = {"shape": planes.shape, "axes": "zyx"}
    write_planes(tmp_path / "down.tif", iter(planes), z_um=(1.0, 0.0, -1.0), **options)
    down = read_image(tmp_path / "down.tif")
    assert down.z_um == (1.0, 0.0, -1.0)
    write_planes(tmp_path / "uneven.tif", iter(planes), z_um=(0.0, 2.0, 5.0), **options)
    with tifffile.TiffFile(tmp_path / "uneven.tif") as tif:
        assert 'PositionZ="5.0"' in tif.ome_metadata
        assert "PhysicalSizeZ" not in tif.ome_metadata


def test_imagej_labels_and_single_plane(tmp_path: Path) -> None:
    path = tmp_path / "a.tif"
    write_planes(path, [np.zeros((16, 17))], shape=(16, 17), axes="yx", z_um=[2.5], style="imagej")
    with tifffile.TiffFile(path) as tif:
        assert tif.imagej_metadata["Labels"] == "z = +2.5 µm"


@pytest.mark.parametrize("error", [RuntimeError, KeyboardInterrupt])
@pytest.mark.parametrize("style", ["ome", "imagej"])
def test_nothing_half_written(tmp_path: Path, error: type[BaseException], style) -> None:
    path = tmp_path / "out.tif"
    path.write_bytes(b"the old one")

    def planes() -> Iterator[np.ndarray]:
        yield np.zeros((16, 17))
        raise error

    with pytest.raises(error):
        write_planes(path, planes(), shape=(3, 16, 17), axes="zyx", style=style)
    assert path.read_bytes() == b"the old one"
    assert list(tmp_path.iterdir()) == [path]


def test_too_few_planes_leave_no_file(tmp_path: Path) -> None:
    with pytest.raises(Exception):  # noqa: B017 - tifffile's own
        write_planes(tmp_path / "a.tif", [np.zeros((16, 17))], shape=(3, 16, 17), axes="zyx")
    assert list(tmp_path.iterdir()) == []


def test_places_that_cannot_be_written(tmp_path: Path) -> None:
    with pytest.raises(DeepZError, match="does not exist"), replacing(tmp_path / "no" / "a.tif"):
        pass
    with pytest.raises(DeepZError, match="is a folder"), replacing(tmp_path):
        pass


def test_imagej_tiff_has_a_limit(tmp_path: Path) -> None:
    with pytest.raises(DeepZError, match="ImageJ TIFF takes 4"):
        write_planes(tmp_path / "a.tif", [], shape=(1100, 1024, 1024), axes="zyx", style="imagej")


@pytest.mark.parametrize(
    ("z_um", "step"),
    [((0.0, 0.5, 1.0), 0.5), ((1.0, 0.9), -0.1), ((0.0, 1.0, 3.0), None), ((2.0,), None)],
)
def test_even_step(z_um: tuple[float, ...], step: float | None) -> None:
    assert even_step(z_um) == step


PROBE = """
import ij.ImagePlus; import ij.io.Opener; import ij.measure.Calibration;
public class Probe { public static void main(String[] a) {
  ImagePlus i = new Opener().openImage(a[0]); Calibration c = i.getCalibration();
  System.out.println(i.getNChannels()+" "+i.getNSlices()+" "+i.getNFrames()+" "+i.getBitDepth());
  System.out.println(c.pixelWidth+" "+c.pixelHeight+" "+c.pixelDepth+" "+c.getZ(0)+" "+c.getZ(3));
  System.out.println(c.getUnit().equals("\\u00B5m"));
  for (int n = 1; n <= i.getStackSize(); n++) System.out.println(
    i.getStack().getSliceLabel(n).codePointAt(0)+" "+i.getStack().getProcessor(n).getf(3, 7));
}}
"""


@pytest.mark.java
@pytest.mark.skipif(
    not IJ_JAR.exists() or shutil.which("javac") is None, reason="needs a JDK and ImageJ's ij.jar"
)
def test_imagej_itself_reads_the_calibration(tmp_path: Path) -> None:
    data = np.random.default_rng(0).normal(100, 20, (5, 20, 30)).astype(np.float32)
    write_image(tmp_path / "a.tif", Image(data, "zyx", 0.325, 0.5, -1.0), style="imagej")
    (tmp_path / "Probe.java").write_text(PROBE)
    command = ["java", "-Djava.awt.headless=true", f"-Djava.io.tmpdir={tmp_path}"]
    command += ["-cp", str(IJ_JAR), str(tmp_path / "Probe.java"), str(tmp_path / "a.tif")]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60)
    dimensions, calibration, micrometers, *planes = done.stdout.splitlines()
    assert dimensions == "1 5 1 32"
    numbers = [float(word) for word in calibration.split()]
    assert numbers == pytest.approx([0.325, 0.325, 0.5, -1.0, 0.5])
    assert micrometers == "true"
    assert [float(line.split()[1]) for line in planes] == pytest.approx(list(data[:, 7, 3]), 1e-5)
