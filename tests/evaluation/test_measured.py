"""Stacks that a user brings, among them an acquired one."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import tifffile
import torch

from deepz_zoo.errors import DeepZError
from deepz_zoo.evaluation.measured import evaluate_stack
from deepz_zoo.network.generator import Generator
from deepz_zoo.network.graph.wrapper import DeepZModel
from deepz_zoo.optics import get_system
from deepz_zoo.records.measured_stack import StackAccuracy
from tests.builders import BEAD
from tests.evaluation.stand_ins import Identity, StandIn

SYSTEM = get_system("leica20x_0.8/TxRd")


class Lookup(StandIn):
    """Returns the plane of a known stack that the DPM asks for."""

    def __init__(self, stack: np.ndarray, step_um: float) -> None:
        super().__init__()
        self.stack, self.step_um = stack, step_um

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        (source,) = np.flatnonzero((self.stack == x[0, 0].numpy()).all(axis=(1, 2)))
        target = source + round(float(x[0, 1].mean()) / self.step_um)
        target = min(max(target, 0), len(self.stack) - 1)
        return torch.from_numpy(self.stack[target])[None, None]


@pytest.fixture(scope="module")
def stack() -> np.ndarray:
    """Return 13 planes of two beads that are in focus in plane 5 and spread away from it."""
    y, x = np.indices((64, 72))
    planes = []
    for plane in range(13):
        sigma = np.hypot(1.3, 0.6 * (plane - 5))
        spots = sum(np.exp(-((y - b) ** 2 + (x - a) ** 2) / (2 * sigma**2)) for a, b in BEADS)
        planes.append(100 + 2000 * 1.3**2 / sigma**2 * spots)
    random = np.random.default_rng(0)
    return random.poisson(np.array(planes)).astype(np.float32)


BEADS = ((20.0, 22.0), (50.0, 40.0))


def run(model: Any, stack: np.ndarray, **changes: object) -> StackAccuracy:
    arguments: dict[str, object] = {"pixel_size_um": 0.325, "z_step_um": 1.0, "beads": True}
    return evaluate_stack(model, stack, SYSTEM, **(arguments | changes))  # type: ignore[arg-type]


def test_the_sharpest_plane_and_one_on_each_side_are_refocused(stack: np.ndarray) -> None:
    accuracy = run(Identity(), stack)
    assert accuracy.in_focus_um == 5
    assert accuracy.sources_um == (5, 0, 10)
    assert accuracy.resampled == 1
    # Planes beyond ±10 µm of a source are beyond the model's range.
    assert {row.target_um for row in accuracy.images if row.source_um == 0} == set(range(11))
    assert {row.target_um for row in accuracy.images if row.source_um == 5} == set(range(13))


def test_a_model_that_knows_the_stack_scores_perfectly(stack: np.ndarray) -> None:
    accuracy = run(Lookup(stack, 1.0), stack)
    for source in accuracy.sources_um:
        assert accuracy.mean(source, "model").correlation == pytest.approx(1)
        assert accuracy.mean(source, "model").error_over_rms == 0
        assert accuracy.mean(source, "blank").error_over_rms == pytest.approx(1)
        assert accuracy.mean(source, "input").correlation < 0.95
    rows = [row for row in accuracy.beads if row.method == "model"]
    assert [row.dz_um for row in rows] == [5, -5]
    assert all((row.beads, row.peak.median, row.flux.median) == (2, 1, 1) for row in rows)


def test_the_given_order_of_the_planes_decides_the_sign(stack: np.ndarray) -> None:
    turned = stack[::-1].copy()
    right, wrong = run(Lookup(turned, 1.0), turned), run(Lookup(turned, -1.0), turned)
    assert right.in_focus_um == 7
    assert right.mean(7, "model").correlation == pytest.approx(1)
    assert wrong.mean(2, "model").correlation < 0.9


def test_other_pixels_are_resampled_and_the_width_stays(stack: np.ndarray) -> None:
    fine = np.kron(stack, np.ones((1, 2, 2)))
    coarse = run(Identity(), stack)
    resampled = run(Identity(), fine, pixel_size_um=0.1625)
    assert resampled.resampled == 0.5
    one, other = coarse.beads[0].true_fwhm_um, resampled.beads[0].true_fwhm_um
    assert one is not None and other is not None
    assert one == pytest.approx(2.3548 * 1.3 * 0.325, rel=0.03)
    assert other == pytest.approx(one, rel=0.15)


def test_beads_are_measured_only_when_asked_for(stack: np.ndarray) -> None:
    accuracy = run(Identity(), stack, beads=False)
    assert accuracy.beads == ()
    assert accuracy.bead_threshold is None


def test_it_survives_json(stack: np.ndarray) -> None:
    accuracy = run(Identity(), stack)
    assert StackAccuracy.model_validate_json(accuracy.model_dump_json()) == accuracy


@pytest.mark.parametrize(
    ("shape", "changes", "message"),
    [
        ((64, 64), {}, r"z-stack.*got shape \(64, 64\)"),
        ((1, 64, 64), {}, "z-stack"),
        ((3, 20, 64), {"pixel_size_um": 0.1}, "6×20 px at the model's pixel size"),
        ((3, 64, 64), {"z_step_um": 0.0}, "positive lengths"),
    ],
)
def test_what_is_no_stack_is_refused(
    shape: tuple[int, ...], changes: dict[str, object], message: str
) -> None:
    with pytest.raises(DeepZError, match=message):
        ramp = np.arange(np.prod(shape), dtype=np.float32).reshape(shape)
        run(Identity(), ramp, **changes)


@pytest.mark.parametrize("level", [0, 100])
def test_a_plane_of_one_grey_level_is_refused(stack: np.ndarray, level: int) -> None:
    stack = stack.copy()
    stack[2] = level
    with pytest.raises(DeepZError, match=rf"plane 3 of {len(stack)} has one grey level, {level}"):
        run(Identity(), stack)


def test_an_acquired_bead_runs_through_the_graph(generator: Generator) -> None:
    accuracy = run(
        DeepZModel(generator).eval(),
        tifffile.imread(BEAD),
        pixel_size_um=0.13,
        z_step_um=0.3,
    )
    assert accuracy.resampled == pytest.approx(0.4)
    # The bead is in focus in the middle of the 25 planes; sources are that plane and both ends.
    assert 3.0 <= accuracy.in_focus_um <= 4.2
    assert accuracy.sources_um[1:] == (0, 7.2)
    assert accuracy.beads[0].beads == 1
    width = accuracy.beads[0].true_fwhm_um
    assert width is not None and 0.3 < width < 1.2


def test_a_pixel_size_that_takes_all_memory_is_refused(stack: np.ndarray) -> None:
    with pytest.raises(DeepZError, match=r"would take .* of memory, .*check the pixel size"):
        run(Identity(), stack, pixel_size_um=32_500.0)
