"""What is written: read back, by ImageJ too, and whole or not at all."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import tifffile

from deepz_zoo.errors import DeepZError
from deepz_zoo.files import replacing
from deepz_zoo.images import (
    Calibration,
    Image,
    NewImage,
    create_image,
    open_image,
    read_image,
    write_image,
)
from deepz_zoo.images.tiff.writing import new_tiff

IJ_JAR = Path("/usr/share/java/ij.jar")


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

    def write(name: str, *z_um: float) -> Path:
        path = tmp_path / name
        new = NewImage(planes.shape, "zyx", calibration=Calibration(z_um=z_um))
        with create_image(path, new) as write:
            for number, plane in enumerate(planes):
                write(plane, number)
        return path

    assert read_image(write("down.tif", 1.0, 0.0, -1.0)).z_um == (1.0, 0.0, -1.0)
    with tifffile.TiffFile(write("uneven.tif", 0.0, 2.0, 5.0)) as tif:
        assert 'PositionZ="5.0"' in tif.ome_metadata
        assert "PhysicalSizeZ" not in tif.ome_metadata


def test_imagej_labels_and_single_plane(tmp_path: Path) -> None:
    path = tmp_path / "a.tif"
    new = NewImage((16, 17), "yx", calibration=Calibration(z_um=(2.5,)))
    with create_image(path, new, style="imagej") as write:
        write(np.zeros((16, 17)), 0)
    with tifffile.TiffFile(path) as tif:
        assert tif.imagej_metadata["Labels"] == "z = +2.5 µm"


@pytest.mark.parametrize("error", [RuntimeError, KeyboardInterrupt])
@pytest.mark.parametrize("style", ["ome", "imagej"])
def test_nothing_half_written(tmp_path: Path, error: type[BaseException], style) -> None:
    path = tmp_path / "out.tif"
    path.write_bytes(b"the old one")
    new = NewImage((3, 16, 17), "zyx")
    with pytest.raises(error), create_image(path, new, style=style) as write:
        write(np.zeros((16, 17)), 0)
        raise error
    assert path.read_bytes() == b"the old one"
    assert list(tmp_path.iterdir()) == [path]


def test_too_few_planes_leave_no_file(tmp_path: Path) -> None:
    new = NewImage((3, 16, 17), "zyx")
    with (
        pytest.raises(ValueError, match="16 of 48 rows"),
        create_image(tmp_path / "a.tif", new) as write,
    ):
        write(np.zeros((16, 17)), 0)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("style", ["ome", "imagej"])
def test_planes_and_parts_of_planes_in_any_order(tmp_path: Path, style) -> None:
    data = np.random.default_rng(4).integers(0, 60000, (2, 3, 16, 17)).astype(np.uint16)
    path = tmp_path / "a.tif"
    with create_image(path, NewImage(data.shape, "tzyx", data.dtype), style=style) as write:
        for plane in (4, 0, 5, 1, 3, 2):
            pixels = data.reshape(6, 16, 17)[plane]
            write(pixels[10:], plane, 10)
            write(pixels[:10].astype(np.float32), plane)
    np.testing.assert_array_equal(read_image(path).data, data)


@pytest.mark.skipif(sys.platform == "win32", reason="needs files with holes: run on Linux or macOS")
def test_over_4_gb_it_is_bigtiff(tmp_path: Path) -> None:
    """The planes that are not written are a hole in the file, which takes no place on the disk."""
    path = tmp_path / "a.ome.tif"
    new = NewImage((1100, 1024, 1024), "tyx")
    with pytest.raises(ValueError, match="of 1126400 rows"), new_tiff(path, new, "ome") as write:
        write(np.full((24, 1024), 7), 1099, 1000)
    with tifffile.TiffFile(path) as tif, open_image(path) as image:
        assert tif.is_bigtiff
        assert tif.is_ome
        assert image.data.shape == new.shape
        assert [row.mean() for row in image.plane(1099)[[0, 999, 1000, -1]]] == [0, 0, 7, 7]


def test_places_that_cannot_be_written(tmp_path: Path) -> None:
    with pytest.raises(DeepZError, match="does not exist"), replacing(tmp_path / "no" / "a.tif"):
        pass
    with pytest.raises(DeepZError, match="is a folder"), replacing(tmp_path):
        pass


def test_imagej_tiff_has_a_limit(tmp_path: Path) -> None:
    new = NewImage((1100, 1024, 1024), "zyx")
    with (
        pytest.raises(DeepZError, match="ImageJ TIFF takes 4"),
        create_image(tmp_path / "a.tif", new, style="imagej"),
    ):
        pass


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


def test_the_optics_of_a_file_are_kept(tmp_path: Path) -> None:
    path = tmp_path / "a.ome.tif"
    image = Image(
        np.zeros((2, 16, 17), np.uint16),
        "cyx",
        0.325,
        channel_names=("a", "b"),
        emission_um=(0.515, 0.6155),
        numerical_aperture=0.8,
        immersion='Air "dry"',
    )
    write_image(path, image)
    found = read_image(path)
    assert (found.emission_um, found.channel_names) == ((0.515, 0.6155), ("a", "b"))
    assert (found.numerical_aperture, found.immersion) == (0.8, 'Air "dry"')
    assert (found.pixel_size_um, found.axes) == (0.325, "cyx")


@pytest.mark.parametrize("value", [float("nan"), float("inf"), 0.0, -0.3])
def test_no_file_states_a_size_that_cannot_be_meant(value: float) -> None:
    with pytest.raises(ValueError, match="expected a number above 0"):
        Calibration(pixel_size_um=value)
    with pytest.raises(ValueError, match="expected a number above 0"):
        Calibration(frame_interval_s=value)
