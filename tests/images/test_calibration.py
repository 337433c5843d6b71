"""What files state of sampling, positions and time, in µm and seconds."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile

from deepz_zoo.images import read_image


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
    metadata: dict[str, Any] = {"axes": "ZYX"}
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
