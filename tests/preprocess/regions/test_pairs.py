"""Pairs: which planes, and which distance."""

from __future__ import annotations

import numpy as np
import pytest

from deepz_zoo.preprocess.regions.cut import positions_um
from deepz_zoo.preprocess.regions.pairs import contrast_curve, draw_pairs, middle_plane, plane_range


@pytest.mark.parametrize("step_um", [0.5, 0.2, 0.27, 1.0, 0.4994])
def test_the_distance_is_the_step_times_the_difference_of_indices(step_um: float) -> None:
    planes = range(3, 44)
    z_um = positions_um(planes, step_um, 23 * step_um)
    pairs = draw_pairs(2, z_um, z_um, 7, np.random.default_rng(0))
    difference = pairs["target"].astype(int) - pairs["source"]
    np.testing.assert_allclose(pairs["distance_um"], step_um * difference, atol=1e-8)
    assert z_um[20] == 0
    assert set(pairs["region"]) == {2}


def test_41_planes_and_7_targets_make_the_287_pairs_of_a_region() -> None:
    z_um = positions_um(range(41), 0.5, 10.0)
    pairs = draw_pairs(0, z_um, z_um, 7, np.random.default_rng(0))
    assert len(pairs) == 287
    assert (np.bincount(pairs["source"]) == 7).all()
    assert len(set(pairs[["source", "target"]].tolist())) == 287, "no target twice"
    assert np.abs(pairs["distance_um"]).max() > 15
    assert (pairs["distance_um"] == 0).any()
    assert abs(pairs["distance_um"].mean()) < 0.5


def test_targets_of_another_modality_have_positions_of_their_own() -> None:
    z_um, target_z_um = (-0.5, 0.0, 0.5), (-0.41, -0.21, -0.01, 0.19)
    pairs = draw_pairs(0, z_um, target_z_um, 9, np.random.default_rng(0))
    assert len(pairs) == 12
    found = {(p["source"], p["target"]): p["distance_um"] for p in pairs}
    assert found[0, 3] == pytest.approx(0.69)
    assert found[2, 0] == pytest.approx(-0.91)


def test_the_generator_decides() -> None:
    z_um = tuple(np.arange(20) * 0.5)
    first, again, other = (
        draw_pairs(0, z_um, z_um, 5, np.random.default_rng(seed)) for seed in (1, 1, 2)
    )
    np.testing.assert_array_equal(first, again)
    assert (first["target"] != other["target"]).any()


def test_the_middle_plane_has_the_highest_standard_deviation() -> None:
    rng = np.random.default_rng(0)
    stack = np.array(
        [rng.normal(1000 - z, scale, (20, 20)) for z, scale in enumerate([1, 5, 9, 4])]
    )
    curve = contrast_curve(stack.astype(np.float32))
    np.testing.assert_allclose(curve, [plane.std() for plane in stack], rtol=1e-4)
    assert middle_plane(curve) == 2


@pytest.mark.parametrize(
    ("middle", "planes", "expected", "clipped"),
    [
        (25, 60, range(5, 46), False),
        (20, 41, range(0, 41), False),
        (3, 60, range(0, 24), True),
        (58, 60, range(38, 60), True),
        (10, 21, range(0, 21), True),
        (-5, 60, range(0, 16), True),
    ],
)
def test_20_planes_above_and_below(middle: int, planes: int, expected: range, clipped) -> None:
    assert plane_range(middle, 20, planes) == (expected, clipped)
