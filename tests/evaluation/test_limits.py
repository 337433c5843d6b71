"""The curves of models whose metrics are known, and the conditions of the stacks behind them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import groupby, pairwise
from typing import Any

import numpy as np
import pytest
import torch
from skimage.transform import resize

from deepz_zoo.errors import DeepZError
from deepz_zoo.evaluation import benchmark, conditions
from deepz_zoo.evaluation.limits import (
    FIRST_SEED,
    SEEDS,
    default_settings,
    measure_limits,
    quick_settings,
)
from deepz_zoo.optics import ImagingSystem, get_system, list_systems, psf
from deepz_zoo.optics.psf import PsfParameters
from deepz_zoo.records.conditions import CONDITIONS, Condition
from deepz_zoo.records.limits import LimitSettings, MeasuredLimits
from deepz_zoo.simulate import HELD_OUT_SEED, SimulatedStack
from deepz_zoo.simulate.stack import acquire_stack, make_microscope
from deepz_zoo.simulate.widefield import WideField
from tests.evaluation.stand_ins import Identity, StandIn, told

pytestmark = pytest.mark.slow

SYSTEM = get_system("leica20x_0.8/TxRd").model_copy(update={"z_range_um": 2.0})
SETTINGS = LimitSettings(shape_px=(48, 48), distance_um=1.0, inputs_per_distance=2)
SPECIMENS = ("beads", "texture")
VALUES = {
    "PEAKS_ELECTRONS": (100.0, 1000.0, 28_000.0, 100_000.0),
    "DENSITIES": (1.0, 3.0, 100.0),
    "ABERRATIONS": (-1.0, 1.0),
    "PIXEL_SIZES": (0.8, 1.0),
    "DENSITY_STACKS": 2,
}


@dataclass
class Take:
    """One stack that was taken, and the microscope that took it."""

    stack: SimulatedStack
    microscope: WideField


class Oracle(StandIn):
    """Finds the camera image in the last stack and returns the plane that the DPM asks for."""

    def __init__(self, takes: list[Take]) -> None:
        super().__init__()
        self.takes = takes

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        stack = self.takes[-1].stack
        (source,) = np.flatnonzero((stack.camera == x[0, 0].numpy()).all(axis=(1, 2)))
        target = int(np.argmin(np.abs(stack.z_um - stack.z_um[source] - float(x[0, 1].mean()))))
        return torch.from_numpy(stack.noise_free[target])[None, None]


def run(model: StandIn, *measured: Condition, **changes: Any) -> MeasuredLimits:
    arguments: dict[str, Any] = {
        "seeds": (FIRST_SEED,),
        "specimens": SPECIMENS,
        "settings": SETTINGS,
    }
    return measure_limits(model, SYSTEM, conditions=measured, **(arguments | changes))


@pytest.fixture(scope="module", autouse=True)
def takes() -> Iterator[list[Take]]:
    """Measure few values, make each microscope once, and remember every stack that is taken."""
    taken: list[Take] = []
    made: dict[object, WideField] = {}

    def remember(
        system: Any, emitters: Any, microscope: WideField, *rest: Any, **keywords: Any
    ) -> SimulatedStack:
        stack = acquire_stack(system, emitters, microscope, *rest, **keywords)
        taken.append(Take(stack, microscope))
        return stack

    def make(system: ImagingSystem, shape: tuple[int, int], parameters: PsfParameters) -> WideField:
        key = system, shape, parameters
        if key not in made:
            made[key] = make_microscope(*key)
        return made[key]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(conditions, "acquire_stack", remember)
        patch.setattr(conditions, "make_microscope", make)
        # A coarser pupil is enough for a field of this size, and four times as fast.
        patch.setattr(psf, "_PUPIL_PX", 128)
        for name, values in VALUES.items():
            patch.setattr(conditions, name, values)
        yield taken


def taken_under(takes: list[Take], condition: Condition, **changes: Any) -> list[Take]:
    """Measure one curve and return the stacks that were taken for it."""
    before = len(takes)
    run(Identity(), condition, **changes)
    return takes[before:]


@pytest.fixture(scope="module")
def of_identity(takes: list[Take]) -> MeasuredLimits:
    return run(Identity(), *CONDITIONS)


def test_every_curve_has_its_values_in_order(of_identity: MeasuredLimits) -> None:
    assert tuple(curve.condition for curve in of_identity.curves) == CONDITIONS
    values = {c.condition: [p.value for p in c.points] for c in of_identity.curves}
    assert values == {
        "distance": [-3, -2.5, -2, -1, -0.5, 0, 0.5, 1, 2, 2.5, 3],
        "signal": [100, 1000, 28_000, 100_000],
        "density": [1, 3, 100],
        "spherical_aberration": [-1, 1],
        "pixel_size": [0.8, 1],
    }
    trained = {c.condition: c.trained for c in of_identity.curves}
    assert trained["distance"] == (-2, 2)
    for condition, edges in trained.items():
        assert set(edges) <= set(values[condition])


def test_a_model_that_does_nothing_scores_like_its_input(of_identity: MeasuredLimits) -> None:
    for curve in of_identity.curves:
        for point in curve.points:
            assert point.model == point.input
            assert point.images == (8 if curve.condition != "distance" else 4)
    distance = of_identity.curve("distance")
    assert distance is not None
    correlation = {point.value: point.model.correlation for point in distance.points}
    assert correlation[0] > 0.99
    assert correlation[0] > correlation[1] > correlation[2] > correlation[3]


def test_a_model_that_knows_the_ground_truth_fails_nowhere(takes: list[Take]) -> None:
    limits = run(Oracle(takes), "distance", "pixel_size")
    for curve in limits.curves:
        assert [point.model.correlation for point in curve.points] == [1.0] * len(curve.points)
        assert curve.usable() == (None, None)
        # The edge of the range is worse for the input than the middle: there is something to do.
        assert min(point.input.correlation for point in curve.points) < 0.95


def test_the_same_seeds_give_the_same_metrics_whatever_else_is_measured(
    of_identity: MeasuredLimits,
) -> None:
    again = run(Identity(), "signal", "distance")
    assert again.curves == (of_identity.curve("distance"), of_identity.curve("signal"))
    assert MeasuredLimits.model_validate_json(again.model_dump_json()) == again


def test_the_model_is_asked_for_distances_beyond_its_range() -> None:
    model = Identity()
    run(model, "distance")
    assert set(model.distances) == {-3, -2.5, -2, -1, -0.5, 0, 0.5, 1, 2, 2.5, 3}
    model = Identity()
    run(model, "signal")
    assert set(model.distances) == {-1, 1}


def test_the_signal_reaches_beyond_the_well_and_below_the_noise(
    takes: list[Take], of_identity: MeasuredLimits
) -> None:
    peaks: Any = VALUES["PEAKS_ELECTRONS"]
    for take, peak in zip(taken_under(takes, "signal", specimens=("beads",)), peaks, strict=True):
        assert take.stack.exposure.peak == peak
        electrons = (take.stack.noise_free.max() - 100) * 0.46
        assert electrons == pytest.approx(peak + 30, rel=0.02)
        assert take.stack.camera.max() <= 65535
    signal = of_identity.curve("signal")
    assert signal is not None
    ratios = [point.signal_to_noise or 0.0 for point in signal.points]
    assert all(low < high for low, high in pairwise(ratios))
    assert ratios[0] < 20 < ratios[-1]


def test_the_density_is_a_number_of_beads_for_an_area(takes: list[Take]) -> None:
    area = (48 * SYSTEM.pixel_size_um) ** 2
    found = [
        (len(take.stack.emitters_um), take.stack.seed) for take in taken_under(takes, "density")
    ]
    counts = [max(1, round(density * area / 1000)) for density in (1, 3, 100)]
    assert [count for count, _ in found] == [n for n in counts for _ in range(2)]
    assert {seed for _, seed in found} == {FIRST_SEED}
    first, second = (take.stack.emitters_um for take in taken_under(takes, "density")[-2:])
    assert not np.array_equal(first, second)
    assert np.abs(first[:, 0]).max() <= SYSTEM.z_range_um


def test_the_wrong_sign_of_aberration_mirrors_the_point_spread_function(
    takes: list[Take],
) -> None:
    wrong, right = taken_under(takes, "spherical_aberration", specimens=("beads",))
    own = PsfParameters.draw(SYSTEM, torch.Generator().manual_seed(FIRST_SEED))
    assert right.stack.psf == own
    assert wrong.stack.psf == own.with_spherical_aberration(-1)
    np.testing.assert_array_equal(wrong.stack.emitters_um, right.stack.emitters_um)
    # The light of a point along the axis tells the two sides of the focus apart.
    point = torch.zeros(right.microscope.volume.shape)
    point[point.shape[0] // 2, 24, 24] = 1
    along = [take.microscope.image(point)[:, 24, 24].numpy() for take in (wrong, right)]
    mirrored = np.abs(along[0][::-1] - along[1]).max()
    assert mirrored < 0.25 * np.abs(along[0] - along[1]).max()


def test_the_wrong_pixel_size_shows_the_same_field_with_other_pixels(takes: list[Take]) -> None:
    fine, usual = taken_under(takes, "pixel_size", specimens=("beads",))
    assert usual.stack.system == SYSTEM
    assert fine.stack.system.pixel_size_um == pytest.approx(0.8 * SYSTEM.pixel_size_um)
    assert fine.stack.camera.shape[1:] == (60, 60)
    assert usual.stack.camera.shape[1:] == (48, 48)
    np.testing.assert_array_equal(fine.stack.emitters_um, usual.stack.emitters_um)
    seen, expected = (take.stack.noise_free.max(axis=0) for take in (fine, usual))
    same = np.corrcoef(resize(seen, (48, 48)).ravel(), expected.ravel())[0, 1]
    assert same > 0.95
    assert np.corrcoef(seen[:48, :48].ravel(), expected.ravel())[0, 1] < 0.5


def test_specimens_and_noise_are_the_same_along_a_curve(takes: list[Take]) -> None:
    signal = taken_under(takes, "signal")
    by_specimen = groupby(
        sorted(signal, key=lambda t: t.stack.specimen), lambda t: t.stack.specimen
    )
    for name, same in by_specimen:
        first, *others = (take.stack.emitters_um for take in same)
        assert name in SPECIMENS
        assert len(others) == 3
        assert all(np.array_equal(first, other) for other in others)


def test_progress_counts_every_stack(takes: list[Take]) -> None:
    before = len(takes)
    steps: list[tuple[int, int]] = []
    run(
        Identity(),
        "distance",
        "density",
        "pixel_size",
        progress=told(steps),
    )
    total = len(takes) - before
    assert total == 2 + 3 * 2 + 2 * 2
    assert steps == [(done, total) for done in range(1, total + 1)]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"seeds": (FIRST_SEED, HELD_OUT_SEED - 1)}, "seed 999999 may have been trained on"),
        ({"seeds": ()}, "at least one seed"),
        ({"specimens": ("worms",)}, "unknown specimens.*worms"),
        ({"settings": LimitSettings()}, r"distance of 5 µm; expected .* at most 2 µm"),
    ],
)
def test_what_cannot_be_measured_is_refused(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(DeepZError, match=message):
        run(Identity(), "distance", **changes)


def test_the_seeds_are_held_out_and_none_of_the_benchmark() -> None:
    assert min(SEEDS) >= HELD_OUT_SEED
    used = {
        seed + index * benchmark.BEAD_SEED_STEP for seed in benchmark.SEEDS for index in range(4)
    }
    ours = {seed + index * conditions.DENSITY_SEED_STEP for seed in SEEDS for index in range(4)}
    assert not used & ours


@pytest.mark.parametrize("system", list_systems(), ids=lambda system: system.name)
def test_settings_and_distances_fit_every_system(system: ImagingSystem) -> None:
    half_a_step = system.z_step_um / 2
    for settings in (default_settings(system), quick_settings(system)):
        assert settings.distance_um == pytest.approx(system.z_range_um / 2, abs=half_a_step)
    assert quick_settings(system).shape_px < default_settings(system).shape_px
    distances = conditions.signed_distances(system)
    assert len(distances) == 11
    steps = np.array(distances) / system.z_step_um
    np.testing.assert_allclose(steps, np.rint(steps), atol=1e-3)
    trained = [dz for dz in distances if abs(dz) <= system.z_range_um + 1e-6]
    assert max(trained) > system.z_range_um - system.z_step_um
    # A farther target would leave the stack, whose ends are the ends of the range.
    assert system.z_range_um < max(distances) <= 2 * system.z_range_um
