"""Surfaces drawn by macro, against numpy."""

from __future__ import annotations

import re

import numpy as np
import pytest

from deepz_zoo.fiji import MacroError
from deepz_zoo.images import read_image

pytestmark = pytest.mark.java


def centered() -> tuple[np.ndarray, np.ndarray]:
    """Return y and x of each pixel of the in µm from its center."""
    y, x = np.mgrid[:48, :64]
    return (y - 23.5) * 0.325, (x - 31.5) * 0.325


def plane(i, j):
    """Return the plane through (0, 0, -2), (40, 20, 5) and (10, 47, 3)."""
    slope_i, slope_j = np.linalg.solve([[40, 20], [10, 47]], [7, 5])
    return -2 + slope_i * i + slope_j * j


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        (
            "surface=formula formula=[0.02*x + 3*sin(2*PI*y/100)] offset=-1.23456",
            lambda y, x: 0.02 * x + 3 * np.sin(2 * np.pi * y / 100) - 1.23456,
        ),
        (
            "surface=[three points] points=[0,0,-2 40,20,5 10,47,3]",
            lambda y, x: plane(x / 0.325 + 31.5, y / 0.325 + 23.5),
        ),
        (
            "surface=[height map] um_per_level=0.0001234 offset=-3",
            lambda y, x: np.floor((x / 0.325 + 31.5) * 1024) * 0.0001234 - 3,
        ),
    ],
)
def test_dpm(look, tmp_path, options, expected):
    output = tmp_path / "dpm.tif"
    opened = look("Deep-Z_Make_DPM", f"{options} output=[{output}]", before="worm")
    written = read_image(output)
    assert (opened.title, opened.bits, opened.unit) == ("DPM", 32, "µm")
    assert written.pixel_size_um == pytest.approx(0.325)
    np.testing.assert_allclose(written.data, expected(*centered()), atol=1e-3)


@pytest.mark.parametrize(
    ("before", "options", "message"),
    [
        ("worm", "surface=ball", "surface=ball: expected formula, [three points] or [height map]"),
        ("worm", "surface=formula formula=[foo*x]", "foo*x: ImageJ cannot calculate this"),
        ("worm", "surface=formula formula=[x/0]", "x/0 is not a number at every pixel"),
        ("worm", "surface=formula formula=[x); exit(]", "expected an expression of x and y"),
        ("worm", "surface=[three points] points=[1,2,3]", "expected X,Y,Z of three points"),
        ("worm", "surface=[three points] points=[0,0,1 1,1,2 2,2,3]", "lie on a line"),
        ("uncalibrated", "surface=formula formula=x", "has no pixel size"),
    ],
)
def test_dpm_that_cannot_be_made(play, before, options, message):
    with pytest.raises(MacroError, match=re.escape(message)):
        play("Deep-Z_Make_DPM", options, before=before)
