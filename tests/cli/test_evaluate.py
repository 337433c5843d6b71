"""``deepz-zoo evaluate`` as a user types it."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile

from deepz_zoo.cli.evaluate.group import with_command
from deepz_zoo.evaluation import benchmark, reproduction
from deepz_zoo.evaluation import limits as limits_benchmark
from deepz_zoo.optics import psf
from deepz_zoo.records.accuracy import Accuracy, ImageMetrics
from deepz_zoo.records.conditions import CONDITIONS
from deepz_zoo.records.limits import LimitCurve, LimitPoint, LimitSettings, MeasuredLimits
from deepz_zoo.records.measured_stack import StackAccuracy
from deepz_zoo.zoo import add_model

pytestmark = pytest.mark.slow

NAME = "leica20x_0.8/TxRd"
Cli = Callable[..., tuple[int, str, str]]


def limit_point(value: float, correlation: float, ratio: float | None = None) -> LimitPoint:
    rest = {"error_over_rms": 0.5, "ssim": 0.9, "mae": 0.1, "mse": 0.01, "rmse": 0.1}
    return LimitPoint(
        value=value,
        images=6,
        model=ImageMetrics(correlation=correlation, **rest),
        input=ImageMetrics(correlation=0.3125, **rest),
        signal_to_noise=ratio,
    )


LIMITS = MeasuredLimits(
    version=1,
    code_version="0.1.0",
    system_name=NAME,
    seeds=(1_600_000, 1_600_001),
    specimens=("beads",),
    settings=LimitSettings(),
    curves=(
        LimitCurve(
            condition="signal",
            trained=(1000, 10_000),
            points=(
                limit_point(10, 0.8, 1.5),
                limit_point(1000, 1.0, 24.0),
                limit_point(10_000, 1.0, 96.0),
            ),
        ),
        LimitCurve(
            condition="pixel_size",
            trained=(1, 1),
            points=(limit_point(0.8, 0.95), limit_point(1, 1.0), limit_point(1.2, 0.95)),
        ),
    ),
)


@pytest.fixture
def calls(monkeypatch: pytest.MonkeyPatch, accuracy: Accuracy) -> list[dict[str, Any]]:
    """Put a made-up accuracy in place of a measurement; return what it was asked for."""
    asked: list[dict[str, Any]] = []

    def pretend(model: object, system: object, **keywords: Any) -> Accuracy:
        asked.append({"system": system, **keywords})
        return accuracy

    monkeypatch.setattr(benchmark, "evaluate", pretend)
    return asked


@pytest.fixture
def stack(tmp_path: Path) -> Path:
    """Return a calibrated z-stack of one bead, in focus in the third of five planes."""
    y, x = np.indices((48, 48))
    planes = []
    for plane in range(5):
        variance = 1.7 + (plane - 2) ** 2
        spot = np.exp(-((y - 24) ** 2 + (x - 24) ** 2) / (2 * variance))
        planes.append(100 + 3000 / variance * spot)
    path = tmp_path / "stack.tif"
    tifffile.imwrite(
        path,
        np.array(planes, dtype=np.uint16),
        imagej=True,
        resolution=(1 / 0.325, 1 / 0.325),
        metadata={"axes": "ZYX", "spacing": 1.0, "unit": "um"},
    )
    return path


@pytest.fixture
def limit_calls(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """Put made-up curves in place of a measurement; return what it was asked for."""
    asked: list[dict[str, Any]] = []

    def pretend(model: object, system: object, **keywords: Any) -> MeasuredLimits:
        asked.append({"system": system, **keywords})
        return LIMITS

    monkeypatch.setattr(limits_benchmark, "measure_limits", pretend)
    return asked


def test_a_table_of_every_noise_is_printed(
    run_cli: Cli, run: Path, calls: list[dict[str, Any]]
) -> None:
    code, out, err = run_cli("evaluate", "--weights", run / "best.safetensors", "--seeds", 3)
    assert code == 0, err
    assert f"{NAME}, low noise, mean over specimens" in out
    assert f"{NAME}, realistic noise" in out
    assert "0.8750" in out
    assert "Richardson–Lucy" in out
    assert "0.81 (0.56–1.06)" in out
    (asked,) = calls
    assert list(asked["seeds"]) == [benchmark.FIRST_SEED + i for i in range(3)]
    assert asked["noise"] == "both"
    assert asked["settings"] == benchmark.default_settings(asked["system"])


def test_quick_and_noise_are_passed_on(
    run_cli: Cli, run: Path, calls: list[dict[str, Any]]
) -> None:
    code, _, err = run_cli("evaluate", NAME, "--weights", run, "--quick", "--noise", "low")
    assert code == 0, err
    assert calls[0]["noise"] == "low"
    assert calls[0]["settings"] == benchmark.quick_settings(calls[0]["system"])


def test_json_and_plot_are_written(
    run_cli: Cli, run: Path, tmp_path: Path, calls: list[dict[str, Any]], accuracy: Accuracy
) -> None:
    folder = tmp_path / "out"
    folder.mkdir()
    code, _, err = run_cli(
        "evaluate", "--weights", run, "--json", folder / "a.json", "--plot", folder / "a.png"
    )
    assert code == 0, err
    assert Accuracy.model_validate_json((folder / "a.json").read_text()) == accuracy
    assert (folder / "a.png").read_bytes().startswith(b"\x89PNG")
    assert sorted(path.name for path in folder.iterdir()) == ["a.json", "a.png"]


def test_limits_are_printed_as_tables_and_written(
    run_cli: Cli, run: Path, tmp_path: Path, limit_calls: list[dict[str, Any]]
) -> None:
    path = tmp_path / "limits.json"
    code, out, err = run_cli("evaluate", "limits", NAME, "--weights", run, "--json", path)
    assert code == 0, err
    assert "brightest pixel of the stack in e⁻" in out
    assert "Fails below 100 (signal/noise 6)." in out
    assert "Wrong pixel size" in out
    assert "Fails at none of these values." in out
    assert "held-out instruments: 2; every condition but the distance at |Δz| 5 µm" in out
    (row,) = [line for line in out.splitlines() if "10000" in line]
    assert [cell.strip() for cell in row.strip("│").split("│")] == [
        "10000", "1.000", "0.312", "0.500", "0.500", "96", "6",
    ]  # fmt: skip
    assert MeasuredLimits.model_validate_json(path.read_text()) == LIMITS
    (asked,) = limit_calls
    assert asked["conditions"] == CONDITIONS
    assert tuple(asked["seeds"]) == limits_benchmark.SEEDS
    assert asked["settings"] == limits_benchmark.default_settings(asked["system"])


def test_limits_of_some_conditions_with_quick_settings(
    run_cli: Cli, run: Path, limit_calls: list[dict[str, Any]]
) -> None:
    code, _, err = run_cli(
        "evaluate", "limits", NAME, "--weights", run, "--condition", "pixel_size",
        "--condition", "signal", "--condition", "signal", "--quick", "--seeds", 1,
    )  # fmt: skip
    assert code == 0, err
    (asked,) = limit_calls
    assert set(asked["conditions"]) == {"signal", "pixel_size"}
    assert list(asked["seeds"]) == [limits_benchmark.FIRST_SEED]
    assert asked["settings"] == limits_benchmark.quick_settings(asked["system"])


@pytest.mark.slow
def test_a_curve_is_measured_for_real(
    run_cli: Cli, run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # A coarser pupil: the metrics do not matter here, and most of the time would go there.
    monkeypatch.setattr(psf, "_PUPIL_PX", 128)
    path = tmp_path / "limits.json"
    code, out, err = run_cli(
        "evaluate", "limits", "--weights", run, "--condition", "distance", "--quick",
        "--seeds", 1, "--json", path,
    )  # fmt: skip
    assert code == 0, err
    (curve,) = MeasuredLimits.model_validate_json(path.read_text()).curves
    assert curve.trained == (-10, 10)
    assert [point.value for point in curve.points][-2:] == [12.5, 15]
    assert "Beyond the trained range" in out


@pytest.mark.slow
def test_a_quick_evaluation_runs_for_real(run_cli: Cli, run: Path, tmp_path: Path) -> None:
    path = tmp_path / "quick.json"
    code, _, err = run_cli(
        "evaluate", "--weights", run, "--quick", "--seeds", 1, "--noise", "low", "--json", path
    )
    assert code == 0, err
    accuracy = Accuracy.model_validate_json(path.read_text())
    assert accuracy.system_name == NAME
    assert accuracy.distances_um == (0, 2, 5, 10)
    assert accuracy.methods == ("model", "blank", "input")


@pytest.mark.slow
def test_another_model_is_judged_on_the_same_images(
    run_cli: Cli, run: Path, tmp_path: Path
) -> None:
    path, plot = tmp_path / "both.json", tmp_path / "both.png"
    code, out, err = run_cli(
        "evaluate", NAME, "--against", run, "--quick", "--seeds", 1, "--noise", "low",
        "--json", path, "--plot", plot,
    )  # fmt: skip
    assert code == 0, err
    assert f"{run} (" in out
    assert "other model" not in out
    assert plot.is_file()
    accuracy = Accuracy.model_validate_json(path.read_text())
    assert accuracy.methods == ("model", "other", "blank", "input")
    assert accuracy.other is not None
    assert accuracy.other.startswith(f"{run} (")
    # A trained model beside random weights, and not the other way round.
    assert accuracy.correlation(dz=5) > 0.7
    assert accuracy.correlation(dz=5, method="other") < 0.5
    assert {row.method for row in accuracy.beads} == {"model", "other", "input"}


def test_a_stack_of_the_user_is_compared_with_its_own_planes(
    run_cli: Cli, run: Path, stack: Path, tmp_path: Path
) -> None:
    path = tmp_path / "stack.json"
    code, out, err = run_cli(
        "evaluate", "stack", stack, "--weights", run, "--beads", "--json", path,
        "--plot", tmp_path / "stack.png",
    )  # fmt: skip
    assert code == 0, err
    assert "From the in-focus plane" in out
    assert "From the plane -2.00 µm from focus" in out
    assert "stack.tif: 5 planes, step 1 µm, pixel 0.325 µm" in out
    accuracy = StackAccuracy.model_validate_json(path.read_text())
    assert accuracy.in_focus_um == 2
    assert [row.beads for row in accuracy.beads] == [1] * 4
    assert (tmp_path / "stack.png").is_file()


def test_options_replace_the_calibration_and_turn_the_stack(
    run_cli: Cli, run: Path, stack: Path, tmp_path: Path
) -> None:
    data = tifffile.imread(stack)[1:]
    bare = tmp_path / "bare.tif"
    tifffile.imwrite(bare, data, photometric="minisblack")
    places = []
    for turn in ((), ("--reverse",)):
        path = tmp_path / "bare.json"
        code, _, err = run_cli(
            "evaluate", "stack", bare, "--weights", run, "--pixel-size", 0.65,
            "--z-step", 0.5, "--json", path, "--overwrite", *turn,
        )  # fmt: skip
        assert code == 0, err
        found = json.loads(path.read_text())
        assert (found["resampled"], found["z_step_um"]) == (2, 0.5)
        places.append(found["in_focus_um"])
    assert places == [0.5, 1.0]


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("stack", "bare.tif"), "does not say its pixel size; give it in µm with --pixel-size"),
        (("stack", "bare.tif", "--pixel-size", "0.3"), "z step; give it in µm with --z-step"),
        (("stack", "plane.tif"), "expected one z-stack"),
        (("stack", "text.tif"), "neither a TIFF nor a PNG"),
        (("stack", "absent.tif"), "does not exist"),
        (("stack",), "Missing argument 'STACK.tif'"),
        (("stack", "bare.tif", "--noise", "low"), "No such option '--noise'"),
        (("simulated", "--z-step", "0.5"), "No such option '--z-step'"),
        (("limits", "--condition", "weather"), "'weather' is not one of 'distance'"),
        (("limits", "--noise", "low"), "No such option '--noise'"),
        (("benchmark", "--seeds", "2"), "No such option '--seeds'"),
        (("benchmark",), "these weights state no accuracy"),
        (("simulated", "--against", "leica20x_0.8/blue"), "unknown objective and channel"),
        (("simulated", "--against", "text.zip"), "text.zip"),
        (("--size", "paper"), "leave --size out"),
        (("--json", "nowhere/a.json"), "the folder nowhere does not exist"),
        (("--plot", "nowhere/a.png"), "the folder nowhere does not exist"),
        (("--channel", "TxRd"), "needs --objective"),
        (("--limits", "weather"), "'weather' is not one of 'distance'"),
        (("--limits", "--noise", "low"), "No such option '--noise'"),
        (("--limits", "--stack", "bare.tif"), "No such option '--stack'"),
        (("--limits", "--benchmark"), "No such option '--limits'"),
        (("--stack", "bare.tif"), "does not say its pixel size"),
    ],
)
def test_bad_input_is_one_line_and_exit_code_2(
    run_cli: Cli,
    run: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    words: tuple[str, ...],
    message: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    tifffile.imwrite("bare.tif", np.zeros((5, 32, 32), dtype=np.uint16))
    tifffile.imwrite("plane.tif", np.zeros((32, 32), dtype=np.uint16))
    Path("text.tif").write_text("no image")
    code, out, err = run_cli("evaluate", *words, "--weights", run / "best.safetensors")
    assert code == 2
    assert message in err
    assert len(err.strip().splitlines()) == 1
    assert out == ""


def test_a_model_must_be_named(run_cli: Cli) -> None:
    code, _, err = run_cli("evaluate")
    assert code == 2
    assert "name a model" in err


def test_the_help_shows_every_command(run_cli: Cli) -> None:
    code, out, _ = run_cli("evaluate", "--help")
    assert code == 0
    for name in ("simulated", "limits", "benchmark", "stack"):
        assert f"\n  {name} " in out
    assert "--condition" in run_cli("evaluate", "limits", "--help")[1]
    assert "--against" in run_cli("evaluate", NAME, "--help")[1], "that of the default"


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ([], ["simulated"]),
        ([NAME, "--quick"], ["simulated", NAME, "--quick"]),
        (["--objective", NAME], ["simulated", "--objective", NAME]),
        (["limits", NAME], ["limits", NAME]),
        ([NAME, "--limits"], ["limits", NAME]),
        ([NAME, "--limits", "all", "--quick"], ["limits", NAME, "--quick"]),
        ([NAME, "--limits=signal"], ["limits", "--condition", "signal", NAME]),
        (
            [NAME, "--limits", "signal", "--limits", "density", "--seeds", "1"],
            ["limits", "--condition", "signal", "--condition", "density", NAME, "--seeds", "1"],
        ),
        (["--limits", "--quick", NAME], ["limits", "--quick", NAME]),
        ([NAME, "--benchmark", "--json", "a"], ["benchmark", NAME, "--json", "a"]),
        ([NAME, "--stack", "a.tif", "--beads"], ["stack", "a.tif", NAME, "--beads"]),
        (["--stack=a.tif", NAME], ["stack", "a.tif", NAME]),
        ([NAME, "--stack"], ["stack", NAME]),
    ],
)
def test_old_spellings_name_their_command(old: list[str], new: list[str]) -> None:
    assert with_command(old, {"simulated", "limits", "benchmark", "stack", "--help"}) == new


def test_old_spellings_still_work(
    run_cli: Cli, run: Path, stack: Path, limit_calls: list[dict[str, Any]]
) -> None:
    code, out, err = run_cli("evaluate", NAME, "--weights", run, "--limits", "signal", "--quick")
    assert code == 0, err
    assert "Fails below 100 (signal/noise 6)." in out
    assert limit_calls[0]["conditions"] == ("signal",)
    code, out, err = run_cli("evaluate", "--weights", run, "--stack", stack)
    assert code == 0, err
    assert "stack.tif: 5 planes" in out


def test_a_benchmark_that_agrees_says_so_and_one_that_does_not_fails(
    run_cli: Cli,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    run: Path,
    accuracy: Accuracy,
) -> None:
    add_model(run, accuracy, folder=tmp_path)
    weights = tmp_path / "leica20x_0.8_TxRd.safetensors"
    monkeypatch.setattr(reproduction, "evaluate", lambda *_, **__: accuracy)
    code, out, _ = run_cli("evaluate", "benchmark", "--weights", weights)
    assert code == 0
    assert "The metrics are those of the manifest, to 0.00%." in out
    worse = accuracy.images[0].model_copy(update={"correlation": 0.5})
    found = accuracy.model_copy(update={"images": (worse, *accuracy.images[1:])})
    monkeypatch.setattr(reproduction, "evaluate", lambda *_, **__: found)
    code, _, err = run_cli("evaluate", NAME, "--weights", weights, "--benchmark")
    assert code == 1
    assert "0.875 is stated, 0.5 was measured" in err
