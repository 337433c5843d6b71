"""Movements measured from an aligned stack, against those that aligned it."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.ndimage import shift

from deepz_zoo.fiji.measured_alignment import measure_alignment
from deepz_zoo.optics import get_system
from deepz_zoo.preprocess.align.stackreg import align_stack
from deepz_zoo.simulate import simulate_stack


def drifting_stack(specimen, seed):
    """Return every other plane of a simulated stack, with a random drift, as 16-bit integers."""
    system = get_system("leica20x_0.8/TxRd")
    stack = simulate_stack(system, specimen, seed=seed, noise="low", shape=(96, 96)).camera[::2]
    drift = np.cumsum(np.random.default_rng(seed).normal(0, 0.7, (len(stack), 2)), axis=0)
    planes = [
        shift(plane.astype(float), step, mode="reflect")
        for plane, step in zip(stack, drift, strict=True)
    ]
    return np.clip(np.round(planes), 0, 65_535).astype(np.uint16)


@pytest.mark.slow
@pytest.mark.parametrize("specimen", ["beads", "nuclei"])
@pytest.mark.parametrize(("seed", "dtype"), [(1, np.uint16), (3, np.uint16), (3, np.float32)])
def test_the_movements_of_an_aligned_stack_are_found(specimen, seed, dtype):
    recorded = drifting_stack(specimen, seed).astype(dtype)
    expected = align_stack(recorded)
    found = measure_alignment(recorded, expected.stack)
    np.testing.assert_allclose(found.shifts_px, expected.shifts_px, atol=0.02)
    np.testing.assert_allclose(found.angles_deg, expected.angles_deg, atol=0.02)


@pytest.mark.slow
def test_a_stack_that_did_not_move():
    recorded = drifting_stack("beads", 1)
    assert (measure_alignment(recorded, recorded).shifts_px == 0).all()


def test_planes_without_content_did_not_move():
    recorded = np.random.default_rng(0).integers(1, 9, (3, 32, 32))
    aligned = recorded.copy()
    aligned[2] = 0
    assert (measure_alignment(recorded, aligned).shifts_px == 0).all()
