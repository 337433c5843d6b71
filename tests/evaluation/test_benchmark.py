"""The benchmark run on models whose metrics are known beforehand."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
import torch

from deepz_zoo.errors import DeepZError
from deepz_zoo.evaluation import benchmark
from deepz_zoo.evaluation.benchmark import FIRST_SEED, default_settings, evaluate, quick_settings
from deepz_zoo.evaluation.instrument import Instrument
from deepz_zoo.optics import ImagingSystem, get_system, list_systems
from deepz_zoo.records.accuracy import METRIC_NAMES, Accuracy, BenchmarkSettings
from deepz_zoo.simulate import SimulatedStack, simulate_stack
from tests.evaluation.stand_ins import Identity, Marked, StandIn, told

pytestmark = pytest.mark.slow

SYSTEM = get_system("leica20x_0.8/TxRd").model_copy(update={"z_range_um": 2.0})
SETTINGS = BenchmarkSettings(
    shape_px=(72, 72),
    distances_um=(0.0, 1.0, 2.0),
    inputs_per_distance=2,
    bead_distance_um=1.0,
    bead_stacks=6,
    richardson_lucy_iterations=20,
)
SPECIMENS = ("beads", "texture")


class Oracle(StandIn):
    """Finds the camera image in the stacks and returns the plane that the DPM asks for."""

    def __init__(self, sign: int = 1) -> None:
        super().__init__()
        self.sign = sign
        self.stacks: list[SimulatedStack] = []

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        image, dz = x[0, 0].numpy(), float(x[0, 1].mean())
        stack = self.stacks[-1]
        (source,) = np.flatnonzero((stack.camera == image).all(axis=(1, 2)))
        wanted = stack.z_um[source] + self.sign * dz
        target = int(np.argmin(np.abs(stack.z_um - wanted)))
        return torch.from_numpy(stack.noise_free[target])[None, None]


def run(model: StandIn, **changes: object) -> Accuracy:
    arguments: dict[str, object] = {
        "seeds": (FIRST_SEED,),
        "specimens": SPECIMENS,
        "noise": "low",
        "settings": SETTINGS,
    }
    return evaluate(model, SYSTEM, **(arguments | changes))  # type: ignore[arg-type]


def run_oracle(oracle: Oracle) -> Accuracy:
    def remember(*args: Any, **keywords: Any) -> SimulatedStack:
        oracle.stacks.append(simulate_stack(*args, **keywords))
        return oracle.stacks[-1]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(benchmark, "simulate_stack", remember)
        return run(oracle)


@pytest.fixture(scope="module", autouse=True)
def one_microscope() -> Iterator[None]:
    """Make each microscope once for all tests: its transfer function costs seconds."""
    made: dict[int, object] = {}
    make = Instrument

    def remember(system: ImagingSystem, seed: int, settings: BenchmarkSettings) -> object:
        if seed not in made:
            made[seed] = make(system, seed, settings)
        return made[seed]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(benchmark, "Instrument", remember)
        yield


@pytest.fixture(scope="module")
def of_identity() -> Accuracy:
    return run(Identity())


@pytest.fixture(scope="module")
def of_oracle() -> Accuracy:
    return run_oracle(Oracle())


def test_a_model_that_does_nothing_scores_like_the_input(of_identity: Accuracy) -> None:
    for dz in (0, 1, 2):
        for metric in METRIC_NAMES:
            ours = of_identity.value(metric, dz=dz)
            assert ours == of_identity.value(metric, dz=dz, method="input")
    assert of_identity.correlation(dz=0) > 0.99
    assert of_identity.correlation(dz=2) < of_identity.correlation(dz=1) < 0.97


def test_a_model_that_knows_the_ground_truth_is_perfect(of_oracle: Accuracy) -> None:
    for dz in (0, 1, 2):
        assert of_oracle.correlation(dz=dz) == pytest.approx(1)
        assert of_oracle.error_over_rms(dz=dz) == 0
        assert of_oracle.ssim(dz=dz) == pytest.approx(1)


def test_beads_brought_to_focus_by_the_ground_truth_have_ratio_one(of_oracle: Accuracy) -> None:
    rows = of_oracle.bead_rows()
    assert {row.dz_um for row in rows} == {-1, 1}
    for row in rows:
        assert row.beads > 0
        assert (row.peak.median, row.flux.median) == (1, 1)
        assert row.fwhm is None or row.fwhm.median == 1


def test_the_distance_of_a_bead_row_is_the_one_that_the_model_was_given() -> None:
    settings = SETTINGS.model_copy(update={"richardson_lucy_iterations": 0})
    marked = run(Marked(), specimens=("beads",), settings=settings)
    assert marked.beads
    for ours, theirs in zip(marked.bead_rows(), marked.bead_rows(method="input"), strict=True):
        assert ours.dz_um == theirs.dz_um
        assert ours.peak.median / theirs.peak.median == pytest.approx(1 + ours.dz_um / 10, rel=1e-3)


def test_the_input_s_beads_are_dimmer_and_wider(of_oracle: Accuracy) -> None:
    rows = of_oracle.bead_rows(method="input")
    assert all(row.peak.median < 0.9 for row in rows)
    assert any(row.fwhm is not None and row.fwhm.median > 1.1 for row in rows)
    assert all(0.3 < row.true_fwhm_um < 1.5 for row in rows if row.true_fwhm_um)


def test_a_model_with_the_wrong_sign_of_z_is_found_out(of_oracle: Accuracy) -> None:
    wrong = run_oracle(Oracle(sign=-1))
    assert wrong.correlation(dz=1) < of_oracle.correlation(dz=1) - 0.05
    assert wrong.correlation(dz=0) == pytest.approx(1)


def test_deconvolution_knows_on_which_side_of_the_focus_a_bead_lies(of_identity: Accuracy) -> None:
    error = {
        (row.dz_um, row.method): row.error_over_rms
        for row in of_identity.images
        if row.specimen == "beads"
    }
    assert error[-2, "richardson_lucy"] < 0.75 * error[-2, "input"]
    assert error[2, "richardson_lucy"] < 0.75 * error[2, "input"]


def test_blank_images_score_exactly_one_and_zero(of_identity: Accuracy) -> None:
    assert of_identity.error_over_rms(dz=2, method="blank") == 1
    assert of_identity.correlation(dz=2, method="blank") == 0


def test_every_cell_of_the_report_is_there_once(of_identity: Accuracy) -> None:
    cells = [(row.specimen, row.dz_um, row.method) for row in of_identity.images]
    assert len(cells) == len(set(cells)) == 3 * 5 * 4
    means = [row for row in of_identity.images if row.specimen == "mean"]
    for mean in means:
        parts = [
            row
            for row in of_identity.images
            if row.specimen != "mean" and (row.dz_um, row.method) == (mean.dz_um, mean.method)
        ]
        assert mean.images == sum(part.images for part in parts) == 4
        expected = np.mean([part.correlation for part in parts])
        assert mean.correlation == pytest.approx(expected, abs=1e-5)
    assert Accuracy.model_validate_json(of_identity.model_dump_json()) == of_identity


def test_the_same_seeds_give_the_same_metrics(of_identity: Accuracy) -> None:
    again = run(Identity(), specimens=("texture",))
    assert set(again.images[:20]) <= set(of_identity.images)


def test_the_stacks_are_the_same_on_any_number_of_threads(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The last digits of the light, and with them the noise, depend on the number of threads."""
    used: list[int] = []

    def watched(*args: Any, **kwargs: Any) -> SimulatedStack:
        used.append(torch.get_num_threads())
        return simulate_stack(*args, **kwargs)

    monkeypatch.setattr(benchmark, "simulate_stack", watched)
    before = torch.get_num_threads()
    torch.set_num_threads(3)
    try:
        settings = SETTINGS.model_copy(
            update={"bead_stacks": 1, "richardson_lucy_iterations": 0, "inputs_per_distance": 1}
        )
        evaluate(Identity(), SYSTEM, seeds=[FIRST_SEED], specimens=["texture"], settings=settings)
        after = torch.get_num_threads()
    finally:
        torch.set_num_threads(before)
    assert used == [1, 1]
    assert after == 3


def test_progress_is_reported_and_both_noises_are_run() -> None:
    steps: list[tuple[int, int]] = []
    accuracy = run(
        Identity(),
        specimens=("texture",),
        noise="both",
        settings=SETTINGS.model_copy(update={"richardson_lucy_iterations": 0}),
        progress=told(steps),
    )
    assert steps == [(1, 2), (2, 2)]
    assert accuracy.noises == ("low", "realistic")
    assert accuracy.methods == ("model", "blank", "input")
    assert accuracy.beads == ()


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"seeds": (FIRST_SEED, 5)}, "seed 5 may have been trained on"),
        ({"seeds": ()}, "at least one seed"),
        ({"specimens": ("worms",)}, "unknown specimens.*worms.*beads"),
        ({"settings": BenchmarkSettings()}, r"10 µm lies beyond ±2 µm"),
    ],
)
def test_what_cannot_be_measured_is_refused(changes: dict[str, object], message: str) -> None:
    with pytest.raises(DeepZError, match=message):
        run(Identity(), **changes)


@pytest.mark.parametrize("make", [default_settings, quick_settings])
@pytest.mark.parametrize("system", list_systems(), ids=lambda system: system.name)
def test_settings_are_steps_inside_the_range_of_every_system(make, system: ImagingSystem) -> None:
    settings = make(system)
    farthest, step = system.z_range_um, system.z_step_um
    assert farthest - step < max(settings.distances_um) <= farthest
    assert settings.bead_distance_um == pytest.approx(farthest / 2, abs=step / 2)
    for distance in (*settings.distances_um, settings.bead_distance_um):
        assert distance / step == pytest.approx(round(distance / step), abs=1e-3)


def test_a_benchmark_has_the_specimens_of_its_system() -> None:
    system = SYSTEM.model_copy(update={"specimens": ("beads", "neurons", "beads")})
    settings = quick_settings(system).model_copy(update={"shape_px": (48, 48)})
    accuracy = evaluate(Identity(), system, seeds=(FIRST_SEED,), noise="low", settings=settings)
    assert accuracy.specimens == ("beads", "neurons")
    assert {row.specimen for row in accuracy.images} == {"beads", "neurons", "mean"}
