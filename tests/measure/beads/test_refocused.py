"""What is compared with what, with a function in the place of a model."""

from __future__ import annotations

import csv

import numpy as np
import pytest

from deepz_zoo.dpm import Tilt
from deepz_zoo.errors import DeepZError
from deepz_zoo.images import Image
from deepz_zoo.measure.beads.plot import plot_widths
from deepz_zoo.measure.beads.ratios import width_ratios
from deepz_zoo.measure.beads.refocused import (
    choose_plane,
    compare_stacks,
    compare_surface,
    measure_image,
)
from deepz_zoo.measure.beads.refusals import refuse_without_beads, without_beads
from deepz_zoo.measure.beads.table import COLUMNS, write_table
from deepz_zoo.records.beads import WIDTHS, BeadReport, BeadSettings
from tests.builders import SYSTEM
from tests.measure.beads.gaussians import PIXEL_UM, STEP_UM, gaussian_stack

SETTINGS = BeadSettings()
STACK = Image(gaussian_stack((12, 30, 25), (12, 60, 68)), "zyx", PIXEL_UM, STEP_UM)


def test_a_virtual_stack_is_that_of_the_sharpest_plane_within_the_range() -> None:
    deep = Image(gaussian_stack((25, 48, 48), shape=(51, 96, 96)), "zyx", PIXEL_UM, STEP_UM)
    asked: list[tuple[str, bool, object]] = []

    def refocus(image: Image, target: object) -> np.ndarray:
        asked.append((image.axes, np.array_equal(image.data, deep.data[25]), target))
        return deep.data[5:46].astype(np.float32)

    measured, virtual = compare_stacks(deep, "deep.tif", refocus, SYSTEM, SETTINGS)
    ((axes, is_sharpest, distances),) = asked
    assert (axes, is_sharpest) == ("yx", True)
    assert distances == pytest.approx(np.arange(-10, 10.1, 0.5))
    assert (measured.image, measured.planes) == ("acquired stack", 41)
    assert (virtual.image, virtual.found_in, virtual.planes) == (
        "virtual stack",
        measured.image,
        41,
    )
    assert virtual.used[0].fwhm_z_um == pytest.approx(measured.used[0].fwhm_z_um, rel=1e-4)


def test_a_virtual_stack_of_an_image_has_the_planes_of_the_model() -> None:
    image = Image(STACK.data[12], "yx", PIXEL_UM)

    def refocus(image: Image, target: object) -> np.ndarray:
        assert target == pytest.approx(np.arange(-10, 10.1, 0.5))
        planes = gaussian_stack((20, 30, 25), (20, 60, 68), shape=(41, 96, 96))
        return planes.astype(np.float32)

    measured, virtual = compare_stacks(image, "one.tif", refocus, SYSTEM, SETTINGS)
    assert (measured.image, measured.z_step_um) == ("acquired image", None)
    assert virtual.used[0].fwhm_z_um == pytest.approx(2.3548 * 3 * STEP_UM, rel=0.03)


def test_a_surface_is_measured_before_and_after_and_at_every_bead() -> None:
    surface = Tilt(1.5)
    dim = gaussian_stack((0, 30, 25), shape=(1, 96, 96)) + gaussian_stack(
        (0, 60, 68), sigma=(3, 4, 4), amplitude=120, shape=(1, 96, 96)
    )

    def refocus(image: Image, target: object) -> np.ndarray:
        assert target is surface
        return STACK.data[12:13].astype(np.float32)

    image = Image(dim[0], "yx", PIXEL_UM)
    before, after, every = compare_surface(image, "tilt.tif", refocus, surface, SETTINGS)
    assert [len(table.used) for table in (before, after, every)] == [1, 2, 2]
    assert (before.found_in, every.found_in) == ("", after.image)
    assert every.used[1].fwhm_lateral_um == pytest.approx(2.3548 * 4 * PIXEL_UM, rel=0.2)


def test_the_plane_is_checked() -> None:
    chosen, distances = choose_plane(STACK, 3)
    assert np.array_equal(chosen.data, STACK.data[2])
    assert distances[[0, 2, -1]] == pytest.approx([-1.0, 0.0, 11.0])
    with pytest.raises(DeepZError, match="no plane 26 in the image; it has 25"):
        choose_plane(STACK, 26)


def test_images_without_beads_are_told_of_in_a_line() -> None:
    noise = np.random.default_rng(0).normal(100, 5, (64, 64))
    empty = measure_image(Image(noise, "yx", PIXEL_UM), "noise.tif", SETTINGS)
    some = measure_image(STACK, "beads.tif", SETTINGS)
    assert without_beads(some) is None
    refuse_without_beads([*empty, *some])
    with pytest.raises(DeepZError, match=r"^no beads in noise.tif above 1\d\d.* `threshold`$"):
        refuse_without_beads(empty)
    near = Image(gaussian_stack((12, 40, 40), (12, 40, 54)), "zyx", PIXEL_UM, STEP_UM)
    with pytest.raises(
        DeepZError, match="of 2 above .* grey levels, 2 near another bead; set `threshold`"
    ):
        refuse_without_beads(measure_image(near, "near.tif", SETTINGS))


def test_ratios_are_those_of_the_same_beads() -> None:
    wider = gaussian_stack((12, 30, 25), (12, 60, 68), sigma=(3, 3, 4)).astype(np.float32)
    tables = compare_stacks(STACK, "beads.tif", lambda *_: wider, SYSTEM, SETTINGS)
    report = BeadReport(code_version="0", settings=SETTINGS, tables=tables)
    assert report.images == (("acquired stack", ""), ("virtual stack", "acquired stack"))
    for width, ratio in zip(WIDTHS, (2.0, 1.0), strict=True):
        ratios = width_ratios(report, "virtual stack", "acquired stack", width)
        assert ratios == pytest.approx([ratio, ratio], rel=0.03)


def test_a_report_becomes_rows_and_panels(tmp_path) -> None:
    tables = measure_image(STACK, "beads.tif", SETTINGS)
    report = BeadReport(code_version="0", settings=SETTINGS, tables=tables)
    write_table(path := tmp_path / "beads.csv", report)
    with path.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert tuple(rows[0]) == COLUMNS
    assert [float(row["x_um"]) for row in rows] == pytest.approx([25 * 0.325, 68 * 0.325], abs=0.05)
    assert float(rows[0]["fwhm_z_um"]) == pytest.approx(2.3548 * 3 * STEP_UM, rel=0.03)
    assert rows[0]["left_out"] == ""
    lateral, axial = plot_widths(report).axes
    assert lateral.get_xlabel().startswith("lateral FWHM in µm")
    label = axial.get_legend_handles_labels()[1][0]
    assert "2 beads" in label
    assert f"threshold {tables[0].threshold:.5g}" in label
