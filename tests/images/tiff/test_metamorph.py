"""MetaMorph's STK files, built tag by tag as MetaMorph describes them, and its TIFFs."""

from __future__ import annotations

import struct
from pathlib import Path

import numpy as np
import pytest
import tifffile

from deepz_zoo.errors import DeepZError
from deepz_zoo.images import open_image, read_image

DATA = np.random.default_rng(5).integers(0, 4000, (3, 12, 17)).astype(np.uint16)
SHORT, LONG, RATIONAL = 3, 4, 5
CALIBRATION_ON, X_CALIBRATION, Y_CALIBRATION, UNITS = 3, 4, 5, 6  # of UIC1


def write_stk(
    path: Path,
    z_distances_um,
    *,
    times_ms=(0, 0, 0),
    side_um=(0.325, 0.325),
    units="um",
    wavelength_nm=605,
) -> None:
    """Write `DATA` as an STK file: one directory, all planes one behind the other."""
    planes, ny, nx = DATA.shape
    extra_at = 8 + DATA.nbytes
    extra = b""

    def place(content: bytes) -> int:
        nonlocal extra
        start = extra_at + len(extra)
        extra += content
        return start

    def fraction(value: float) -> tuple[int, int]:
        return round(value * 1000), 1000

    uic1 = struct.pack("<2I", CALIBRATION_ON, 1)
    for tag, side in zip((X_CALIBRATION, Y_CALIBRATION), side_um, strict=True):
        uic1 += struct.pack("<2I", tag, place(struct.pack("<2I", *fraction(side))))
    text = units.encode() + b"\0"
    uic1 += struct.pack("<2I", UNITS, place(struct.pack("<I", len(text)) + text))
    uic2 = b"".join(
        struct.pack("<6I", *fraction(z), 2460000, time, 2460000, time)
        for z, time in zip(z_distances_um, times_ms, strict=True)
    )
    uic3 = struct.pack("<2I", wavelength_nm, 1) * planes
    tags = [
        (256, LONG, 1, nx),
        (257, LONG, 1, ny),
        (258, SHORT, 1, 16),
        (259, SHORT, 1, 1),
        (262, SHORT, 1, 1),
        (273, LONG, 1, 8),
        (277, SHORT, 1, 1),
        (278, LONG, 1, ny),
        (279, LONG, 1, ny * nx * 2),
        (33628, LONG, 4, place(uic1)),
        (33629, RATIONAL, planes, place(uic2)),
        (33630, RATIONAL, planes, place(uic3)),
    ]
    directory = struct.pack("<H", len(tags))
    directory += b"".join(struct.pack("<HHII", *tag) for tag in tags) + bytes(4)
    header = b"II*\0" + struct.pack("<I", extra_at + len(extra))
    path.write_bytes(header + DATA.tobytes() + extra + directory)


@pytest.mark.parametrize("first", [0.5, 0.0])
def test_a_stack_has_its_calibration(tmp_path: Path, first: float) -> None:
    write_stk(path := tmp_path / "a.stk", [first, 0.5, 0.5])
    image = read_image(path)
    assert image.axes == "zyx"
    np.testing.assert_array_equal(image.data, DATA)
    assert (image.pixel_size_um, image.z_step_um) == (0.325, 0.5)
    assert image.emission_um == (0.605,)
    with open_image(path) as stored:
        np.testing.assert_array_equal(stored.plane(2), DATA[2])


def test_a_series_goes_on_after_midnight(tmp_path: Path) -> None:
    write_stk(path := tmp_path / "a.stk", [0, 0, 0], times_ms=(86_399_500, 86_399_900, 300))
    image = read_image(path)
    assert image.axes == "tyx"
    assert image.frame_interval_s == pytest.approx(0.4)
    assert image.z_step_um is None


@pytest.mark.parametrize(("units", "expected"), [("nm", 0.000325), ("pixel", None), ("", None)])
def test_units(tmp_path: Path, units: str, expected: float | None) -> None:
    write_stk(path := tmp_path / "a.stk", [1, 1, 1], units=units)
    assert read_image(path).pixel_size_um == expected


def test_pixels_that_are_not_square_are_refused(tmp_path: Path) -> None:
    write_stk(path := tmp_path / "a.stk", [1, 1, 1], side_um=(0.3, 0.6))
    with pytest.raises(DeepZError, match=r"pixels are 0.3 × 0.6 µm"):
        read_image(path)


def test_unnamed_planes_are_asked_about(tmp_path: Path) -> None:
    write_stk(path := tmp_path / "a.stk", [0, 0, 0])
    assert read_image(path).axes == "qyx"


def test_tiffs_of_metamorph(tmp_path: Path) -> None:
    path = tmp_path / "a_w1.TIF"
    with tifffile.TiffWriter(path) as tif:
        for number, plane in enumerate(DATA):
            props = {
                "spatial-calibration-state": ("bool", "on"),
                "spatial-calibration-x": ("float", 0.1625),
                "spatial-calibration-y": ("float", 0.1625),
                "spatial-calibration-units": ("string", "um"),
                "z-position": ("float", 10 + 0.25 * number),
                "wavelength": ("float", 525),
                "_IllumSetting_": ("string", "FITC"),
                "_MagNA_": ("float", 0.8),
            }
            lines = "".join(
                f'<prop id="{name}" type="{kind}" value="{value}"/>'
                for name, (kind, value) in props.items()
            )
            text = f"<MetaData><PlaneInfo>{lines}</PlaneInfo></MetaData>"
            tif.write(plane, description=text, software="MetaSeries", metadata=None)
    image = read_image(path, axes="zyx")
    np.testing.assert_array_equal(image.data, DATA)
    assert (image.pixel_size_um, image.z_um) == (0.1625, (10.0, 10.25, 10.5))
    assert (image.channel_names, image.emission_um) == (("FITC",), (0.525,))
    assert image.numerical_aperture == 0.8
