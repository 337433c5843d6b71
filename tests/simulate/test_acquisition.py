"""Drift, jitter and bleaching against registration by scikit-image."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from skimage.registration import phase_cross_correlation

from deepz_zoo.simulate.acquisition import Acquisition


def still_stack() -> torch.Tensor:
    y, x = torch.meshgrid(torch.arange(64.0), torch.arange(48.0), indexing="ij")
    plane = torch.exp(-((y - 30) ** 2 + (x - 20) ** 2) / 18)
    return plane.expand(9, 64, 48).clone()


def apply(acquisition: Acquisition) -> np.ndarray:
    return acquisition.apply(still_stack(), torch.Generator().manual_seed(1)).numpy()


def shifts(stack: np.ndarray) -> np.ndarray:
    return np.array([-phase_cross_correlation(stack[0], p, upsample_factor=50)[0] for p in stack])


def test_nothing_happens_by_default() -> None:
    assert np.array_equal(apply(Acquisition()), still_stack().numpy())


def test_drift_grows_evenly_to_its_full_length() -> None:
    found = shifts(apply(Acquisition(drift_px=2.0)))
    assert np.linalg.norm(found[-1]) == pytest.approx(2.0, abs=0.05)
    assert np.linalg.norm(found[4]) == pytest.approx(1.0, abs=0.05)


def test_jitter_moves_each_plane_by_itself() -> None:
    found = shifts(apply(Acquisition(jitter_px=0.5)))
    assert 0.2 < np.diff(found, axis=0).std() < 1.2


def test_bleaching_dims_the_last_plane_by_its_fraction() -> None:
    light = apply(Acquisition(bleaching=0.2)).sum(axis=(1, 2))
    assert light[-1] / light[0] == pytest.approx(0.8, rel=1e-4)
    assert (np.diff(light) < 0).all()
