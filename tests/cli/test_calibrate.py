"""``deepz-zoo calibrate`` and ``--instrument`` as their users see them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from deepz_zoo.dpm import HeightMap, Tilt
from deepz_zoo.files import read_record, write_record
from deepz_zoo.images import Image, read_image, write_image
from deepz_zoo.optics import get_system
from deepz_zoo.optics.psf import PsfParameters
from deepz_zoo.records.microscope import Microscope
from tests.calibrate.bead_images import bead_stack
from tests.optics.test_instrument import MEASURED

pytestmark = pytest.mark.slow

NAME = "olympus20x_0.75/TxRd-beads"
SYSTEM = get_system(NAME)


@pytest.fixture
def beads(tmp_path: Path) -> Path:
    """Write a small stack of two beads through an instrument of the catalogue."""
    stack = bead_stack(
        PsfParameters.draw(SYSTEM, torch.Generator().manual_seed(0)),
        np.array([(0.0, 35.2, 35.7), (0.4, 82.6, 82.1)]),
        np.arange(-6.0, 7.0),
        shape=(120, 120),
        pixel_size_um=0.325,
    )
    write_image(path := tmp_path / "beads.tif", Image(stack, "zyx", 0.325, 1.0))
    return path


@pytest.fixture
def instrument(tmp_path: Path) -> Path:
    """Write the file of a microscope."""
    errors = {"numerical_aperture": 0.0, "residual_blur_um": 0.0, "spherical_um": 0.1}
    pairs = dict.fromkeys(("astigmatism_waves", "coma_waves", "pupil_gradient"), (0.0, 0.0))
    record = Microscope(
        objective="olympus20x_0.75",
        channel="TxRd-beads",
        instrument=MEASURED,
        errors=errors | pairs,
        undetermined=(),
        spherical_waves=-0.1,
        measured_from="stacks",
        images=(),
        beads=10,
        pixel_size_um=0.325,
        bead_diameter_um=0.0,
        correlation=0.99,
        electrons_per_grey_level=0.46,
        code_version="0",
        date="2000-01-01",
    )
    write_record(path := tmp_path / "mine.json", record)
    return path


def test_a_stack_becomes_a_microscope_and_a_page(run_cli, beads, tmp_path) -> None:
    output, page = tmp_path / "microscope.json", tmp_path / "page.png"
    options = ("--objective", NAME, "-o", output, "--report", page)
    code, out, err = run_cli("calibrate", beads, *options)
    assert code == 0
    microscope = read_record(output, Microscope)
    assert (microscope.name, microscope.beads, microscope.measured_from) == (NAME, 2, "stacks")
    assert page.read_bytes().startswith(b"\x89PNG")
    assert f"{microscope.instrument.coverslip_um:.1f}" in out
    assert f"train {NAME} --from {NAME} --instrument {output}" in out
    assert "astigmatism" in out
    code, _, err = run_cli("calibrate", beads, *options)
    assert (code, len(err.splitlines())) == (2, 1)
    assert "--overwrite" in err


@pytest.mark.parametrize(
    ("options", "surface"),
    [
        (("--tilt", "-3", "--tilt-axis", "x"), Tilt(-3.0, "x")),
        (("--dpm", "surface.tif"), HeightMap("surface.tif")),
    ],
)
def test_single_images_go_with_their_surface(
    run_cli, tmp_path, monkeypatch, options, surface
) -> None:
    """How beads on it are fitted is tested where that is done."""
    from deepz_zoo.calibrate import run

    class DoneError(Exception):
        pass

    def calibrate(system, images, given, *, bead_diameter_um, progress):
        assert (system.name, str(given), bead_diameter_um) == (NAME, str(surface), 0.2)
        assert [(path.name, image.data.shape) for path, image in images] == [("a.tif", (9, 8))]
        raise DoneError

    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(run, "calibrate_surface", calibrate)
    write_image("a.tif", Image(np.ones((9, 8), np.uint16), "yx", 0.325))
    common = ("--objective", NAME, "-o", "microscope.json", "--bead-diameter", "0.2")
    with pytest.raises(DoneError):
        run_cli("calibrate", "a.tif", *common, *options)


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        (("--tilt", "2", "--dpm", "a.tif"), "exclude each other"),
        (("--tilt", "2"), "expected one plane"),
        (("--report", "microscope.json"), "name the same file"),
    ],
)
def test_wrong_usage_is_one_line(run_cli, beads, tmp_path, monkeypatch, options, expected) -> None:
    monkeypatch.chdir(tmp_path)
    code, _, err = run_cli(
        "calibrate", beads, "--objective", NAME, "-o", "microscope.json", *options
    )
    assert (code, len(err.splitlines())) == (2, 1)
    assert expected in err
    assert not (tmp_path / "microscope.json").exists()


def test_images_without_beads_are_one_line(run_cli, tmp_path) -> None:
    rng = np.random.default_rng(0)
    path, output = tmp_path / "dark.tif", tmp_path / "microscope.json"
    write_image(path, Image(rng.normal(100, 3, (9, 64, 64)).astype(np.uint16), "zyx", 0.325, 1.0))
    code, _, err = run_cli("calibrate", path, "--objective", NAME, "-o", output)
    assert (code, len(err.splitlines())) == (2, 1)
    assert "no beads in dark.tif" in err
    assert not output.exists()


def test_simulate_takes_the_instrument(run_cli, instrument, tmp_path) -> None:
    size = ("--size", "32", "32")
    stacks = []
    for name, options in (("any", ()), ("mine", ("--instrument", instrument))):
        path = tmp_path / f"{name}.tif"
        assert run_cli("simulate", NAME, "-o", path, *size, *options)[0] == 0
        stacks.append(read_image(path).data)
    assert (stacks[0] != stacks[1]).any()


def test_evaluate_and_train_take_the_instrument(run_cli, instrument, tmp_path, monkeypatch) -> None:
    from deepz_zoo.evaluation import benchmark
    from deepz_zoo.training import run

    taken = []

    class DoneError(Exception):
        pass

    def evaluate(model, system, **_):
        taken.append(system.instrument)
        raise DoneError

    def train(system, *_, command, **__):
        taken.append(system.instrument)
        assert "--instrument mine.json" in command
        raise DoneError

    monkeypatch.setattr(benchmark, "evaluate", evaluate)
    monkeypatch.setattr(run, "train", train)
    with pytest.raises(DoneError):
        run_cli("evaluate", "simulated", NAME, "--instrument", instrument)
    with pytest.raises(DoneError):
        run_cli("train", NAME, "-o", tmp_path / "run", "--instrument", instrument)
    assert taken == [MEASURED, MEASURED]


def test_the_instrument_of_another_objective_is_refused(run_cli, instrument, tmp_path) -> None:
    path = tmp_path / "stack.tif"
    code, _, err = run_cli("simulate", "leica20x_0.8/TxRd", "-o", path, "--instrument", instrument)
    assert (code, len(err.splitlines())) == (2, 1)
    assert f"is the microscope of {NAME}, but leica20x_0.8/TxRd was asked for" in err
