"""``deepz-zoo measure beads`` as its users see it."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pytest

from deepz_zoo.files import read_record
from deepz_zoo.images import Image, write_image
from deepz_zoo.records.beads import BeadReport
from tests.measure.beads.gaussians import PIXEL_UM, STEP_UM, gaussian_stack

OUTPUTS = {"beads.csv", "beads.json", "beads.png", "beads.svg"}


@pytest.fixture
def stack(tmp_path: Path) -> Path:
    """Write a stack of two beads in focus in its middle plane."""
    data = gaussian_stack((6, 30, 25), (6, 60, 68), shape=(13, 96, 96)).astype(np.uint16)
    write_image(path := tmp_path / "stack.tif", Image(data, "zyx", PIXEL_UM, STEP_UM))
    return path


@pytest.fixture
def noise(tmp_path: Path) -> Path:
    """Write an image without beads."""
    data = np.random.default_rng(2).normal(100, 5, (64, 64)).astype(np.uint16)
    write_image(path := tmp_path / "noise.tif", Image(data, "yx", PIXEL_UM))
    return path


def rows_of(folder: Path) -> list[dict[str, str]]:
    with (folder / "beads.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_a_stack_becomes_a_table_histograms_and_medians(run_cli, stack, tmp_path) -> None:
    code, out, err = run_cli("measure", "beads", stack, "-o", tmp_path / "out")
    assert (code, err) == (0, "")
    assert {path.name for path in (tmp_path / "out").iterdir()} == OUTPUTS
    assert [row["left_out"] for row in rows_of(tmp_path / "out")] == ["", ""]
    report = read_record(tmp_path / "out" / "beads.json", BeadReport)
    (table,) = report.tables
    (axial,) = (line for line in out.splitlines() if "axial" in line)
    assert float(axial.split("│")[3]) == pytest.approx(2.3548 * 3 * STEP_UM, rel=0.03)
    assert f"{table.threshold:.5g}" in axial
    assert (tmp_path / "out" / "beads.svg").read_text("utf-8").count("lateral FWHM") > 0

    before = (tmp_path / "out" / "beads.svg").read_bytes()
    code, _, err = run_cli("measure", "beads", stack, "-o", tmp_path / "out")
    assert (code, "--overwrite" in err) == (2, True)
    assert run_cli("measure", "beads", stack, "-o", tmp_path / "out", "--overwrite")[0] == 0
    assert (tmp_path / "out" / "beads.svg").read_bytes() == before


def test_refocus_adds_the_virtual_stack_and_names_the_model(run_cli, stack, run, tmp_path) -> None:
    options = ("--refocus", run, "--plane", "5", "--engine", "torch", "--precision", "float32")
    code, out, _ = run_cli("measure", "beads", stack, "-o", tmp_path / "out", *options)
    assert code == 0
    report = read_record(tmp_path / "out" / "beads.json", BeadReport)
    measured, virtual = report.tables
    assert (report.model, len(report.weights or "")) == ("leica20x_0.8/TxRd", 64)
    assert (virtual.planes, virtual.threshold) == (13, measured.threshold)
    assert [bead.bead for bead in virtual.beads] == [1, 2]
    assert "lateral FWHM, virtual stack / acquired stack, bead by bead: median" in out


def test_a_surface_measures_before_and_after(run_cli, stack, run, tmp_path) -> None:
    options = ("--refocus", run, "--tilt", "1", "--engine", "torch", "--precision", "float32")
    code, _, _ = run_cli("measure", "beads", stack, "-o", tmp_path / "out", *options)
    assert code == 0
    report = read_record(tmp_path / "out" / "beads.json", BeadReport)
    before, after, every = report.tables
    assert (before.image, after.image, before.planes) == ("input image", "refocused image", 1)
    assert every.found_in == after.image
    assert len(before.used) == 2


def test_a_file_without_beads_is_told_of_beside_others(run_cli, stack, noise, tmp_path) -> None:
    code, _, err = run_cli("measure", "beads", stack, noise, "-o", tmp_path / "out")
    assert code == 0
    assert err.startswith(f"Warning: no beads in {noise} above")
    assert {row["file"] for row in rows_of(tmp_path / "out")} == {str(stack)}


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ((), "noise.tif above"),
        (("--plane", "3"), "--plane needs --refocus MODEL"),
        (("--tilt", "3"), "a surface needs --refocus MODEL"),
        (("--tilt", "3", "--cylinder", "7200"), "--tilt and --cylinder exclude each other"),
        (("--offset", "3"), "--offset goes with one of"),
        (("--refocus", "leica20x"), "leica20x"),
    ],
)
def test_what_cannot_be_measured_is_one_line(run_cli, noise, tmp_path, options, words) -> None:
    code, _, err = run_cli("measure", "beads", noise, "-o", tmp_path / "out", *options)
    assert (code, len(err.splitlines())) == (2, 1)
    assert words in err
    assert not (tmp_path / "out").exists()


def test_a_video_and_a_stack_without_calibration_are_one_line(run_cli, tmp_path) -> None:
    data = gaussian_stack((6, 30, 25), shape=(13, 64, 64)).astype(np.uint16)
    video, bare = tmp_path / "video.tif", tmp_path / "bare.tif"
    write_image(video, Image(data, "tyx", PIXEL_UM))
    write_image(bare, Image(data, "zyx", PIXEL_UM))
    for path, words in (
        (video, "expected one plane (yx) or one z-stack (zyx)"),
        (bare, "--z-step"),
    ):
        code, _, err = run_cli("measure", "beads", path, "-o", tmp_path / "out")
        assert (code, len(err.splitlines()), words in err) == (2, 1, True), err
