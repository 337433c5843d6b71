"""What ImageJ and programs that write OME-TIFF state of an image."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import tifffile

from deepz_zoo.errors import DeepZError
from deepz_zoo.images import Acquisition, Image, open_image, read_image, write_image

DATA = np.random.default_rng(5).integers(0, 4000, (3, 16, 24)).astype(np.uint16)


def imagej(path: Path, *lines: str, resolution=(1, 1)) -> Image:
    """Write three images as ImageJ does, with lines of its description, and read them."""
    text = "\n".join(("ImageJ=1.54f", f"images={len(DATA)}", *lines, "")).encode()
    options = {"photometric": "minisblack", "metadata": None, "resolution": resolution}
    tifffile.imwrite(path, DATA, description=text, **options)
    return read_image(path)


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        (["finterval=250", "tunit=ms"], 0.25),
        (["finterval=2", "tunit=min"], 120),
        (["finterval=2", "tunit=minutes"], 120),
        (["finterval=2"], 2),
        (["finterval=2", "tunit=fortnight"], None),
        (["finterval=0", "fps=20"], 0.05),
        (["finterval=soon"], None),
    ],
)
def test_frame_intervals_of_imagej(tmp_path: Path, lines, expected) -> None:
    image = imagej(tmp_path / "a.tif", "frames=3", *lines)
    assert image.frame_interval_s == (expected and pytest.approx(expected))


def test_units_of_y_and_z_in_imagej(tmp_path: Path) -> None:
    lines = ("slices=3", "unit=micron", "yunit=nm", "zunit=mm", "spacing=0.002", "zorigin=1")
    image = imagej(tmp_path / "a.tif", *lines, resolution=(2, 0.002))
    assert (image.pixel_size_um, image.z_um) == (0.5, (-2.0, 0.0, 2.0))
    with pytest.raises(DeepZError, match=r"pixels are 0.5 × 1 µm"):
        imagej(tmp_path / "b.tif", "unit=um", "yunit=nm", resolution=(2, 0.001))


def test_a_negative_spacing_counts_by_its_size_as_in_imagej(tmp_path: Path) -> None:
    image = imagej(tmp_path / "a.tif", "slices=3", "unit=um", "spacing=-0.5")
    assert image.z_um == (0.0, 0.5, 1.0)


def test_colors_of_imagej(tmp_path: Path) -> None:
    tables = np.zeros((2, 3, 256), np.uint8)
    tables[0, 0] = tables[1, 1] = np.arange(256)
    path = tmp_path / "a.tif"
    metadata = {"axes": "CYX", "mode": "composite", "LUTs": list(tables)}
    tifffile.imwrite(path, DATA[:2], imagej=True, metadata=metadata)
    assert read_image(path).colors == ("#ff0000", "#00ff00")


@pytest.mark.parametrize("read_from", ["a_t0.ome.tif", "a_t2.ome.tif"])
def test_a_missing_file_of_an_ome_tiff_is_named(tmp_path: Path, read_from: str) -> None:
    xml = "".join(
        f'<TiffData FirstT="{t}" IFD="0" PlaneCount="1">'
        f'<UUID FileName="a_t{t}.ome.tif">urn:uuid:{t}</UUID></TiffData>'
        for t in range(3)
    )
    schema = "http://www.openmicroscopy.org/Schemas/OME/2016-06"
    for t, plane in enumerate(DATA):
        text = (
            f'<OME xmlns="{schema}" UUID="urn:uuid:{t}"><Image ID="Image:0"><Pixels ID="Pixels:0" '
            'DimensionOrder="XYZCT" Type="uint16" SizeX="24" SizeY="16" SizeZ="1" SizeC="1" '
            f'SizeT="3"><Channel ID="Channel:0:0"/>{xml}</Pixels></Image></OME>'
        )
        tifffile.imwrite(tmp_path / f"a_t{t}.ome.tif", plane, description=text, metadata=None)
    path = tmp_path / read_from
    with open_image(path) as image:
        assert image.axes == "tyx"
        np.testing.assert_array_equal(list(image.planes()), DATA)
    (tmp_path / "a_t1.ome.tif").unlink()
    with pytest.raises(DeepZError, match=r"one of 3 files .* 1 is missing: a_t1\.ome\.tif"):
        read_image(path)


def test_jpeg_is_warned_about(tmp_path: Path) -> None:
    data = (DATA[0] >> 4).astype(np.uint8)
    tifffile.imwrite(lossy := tmp_path / "lossy.tif", data, compression="jpeg")
    tifffile.imwrite(exact := tmp_path / "exact.tif", data, compression="deflate")
    (warning,) = read_image(lossy).warnings
    assert "JPEG, which changes intensities" in warning
    assert read_image(exact).warnings == ()


def test_what_an_ome_tiff_states_survives(tmp_path: Path) -> None:
    image = Image(
        np.stack([DATA[:2]] * 3),
        "tcyx",
        pixel_size_um=0.65,
        channel_names=("TxRd", "FITC"),
        colors=("#ff0000", "#00ff7f"),
        emission_um=(0.605, 0.525),
        frame_interval_s=2.0,
        numerical_aperture=0.8,
        immersion="Water",
        acquisition=Acquisition(
            "2019-11-04T12:00:00", (0.0, 2.0, 4.5), (1200.5, -37.25), "Leica & Sons DMI8"
        ),
    )
    write_image(path := tmp_path / "a.ome.tif", image)
    assert read_image(path).calibration == image.calibration
    with tifffile.TiffFile(path) as tif:
        stated = tifffile.xml2dict(tif.ome_metadata)["OME"]
    pixels = stated["Image"]["Pixels"]
    assert [channel["Color"] for channel in pixels["Channel"]] == [-16776961, 16744447]
    assert [plane["DeltaT"] for plane in pixels["Plane"]] == [0, 0, 2, 2, 4.5, 4.5]
    assert stated["Instrument"]["Microscope"]["Model"] == "Leica & Sons DMI8"
