"""``deepz-zoo experiment`` as a user types it."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import tifffile

from deepz_zoo.experiments.catalogue import EXPERIMENTS
from tests.builders import spotted_stack

Cli = Callable[..., tuple[int, str, str]]


@pytest.fixture
def stack(tmp_path: Path) -> Path:
    """Return a calibrated z-stack of spots, in focus in the fifth of eight planes."""
    path = tmp_path / "spots.tif"
    write(path, spotted_stack(), 1.0)
    return path


def write(path: Path, data: np.ndarray, spacing: float) -> None:
    tifffile.imwrite(
        path,
        data,
        imagej=True,
        resolution=(1 / 0.325, 1 / 0.325),
        metadata={"spacing": spacing, "unit": "um", "axes": "ZYX"[-data.ndim :]},
    )


def test_an_experiment_on_a_stack_of_the_user(
    run_cli: Cli, run: Path, stack: Path, tmp_path: Path
) -> None:
    words = ("experiment", "metrics", "--stack", stack, "--weights", run, "-o", tmp_path / "out")
    code, out, err = run_cli(*words)
    assert code == 0, err
    assert "metrics (Eqs. 10–13)" in out
    assert "correlation, mean over z" in out
    data = json.loads((tmp_path / "out" / "metrics.json").read_text("utf-8"))
    assert data["stack"] == "spots.tif"
    assert [point["value"] for point in data["result"]["points"]] == [-4, -3, -2, -1, 0, 1, 2, 3]
    code, _, err = run_cli(*words)
    assert code == 2
    assert "exists; name another file or set --overwrite" in err
    assert run_cli(*words, "--overwrite")[0] == 0


def test_all_experiments_are_listed_with_their_panels(run_cli: Cli) -> None:
    listed, helped = run_cli("experiment", "--list")[1], run_cli("experiment", "--help")[1]
    for experiment in EXPERIMENTS:
        assert experiment.name in listed
        assert experiment.panel in listed
        assert f"{experiment.name:<20}{experiment.panel}" in helped


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("nonsense",), "'nonsense' is not one of 'range'"),
        (("range", "--stack", "plane.tif"), "expected one z-stack"),
        (("range", "--stack", "one.tif"), "expected one z-stack"),
        (("range", "--stack", "far.tif"), "planes 12 µm apart; expected at most 10 µm"),
        (("range", "--stack", "spots.tif", "--pixel-size", "0.01"), "at least 16×16"),
        (("exposure", "--stack", "spots.tif"), "exposure runs on simulated data only"),
        (("range", "--pixel-size", "1"), "are for --stack"),
        (("range", "--stack", "absent.tif"), "does not exist"),
    ],
)
def test_bad_input_is_one_line(
    run_cli: Cli,
    run: Path,
    stack: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    words: tuple[str, ...],
    message: str,
) -> None:
    data = tifffile.imread(stack)
    write(tmp_path / "plane.tif", data[0], 1.0)
    write(tmp_path / "one.tif", data[:1], 1.0)
    write(tmp_path / "far.tif", data, 12.0)
    monkeypatch.chdir(tmp_path)
    code, _, err = run_cli("experiment", *words, "--weights", run, "-o", "out")
    assert code == 2
    assert message in err
    assert err.count("\n") == 1
    assert not Path("out").exists()
