"""A comparison of two preparations, where the plugins are what a test says."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter

from deepz_zoo.fiji import comparison
from deepz_zoo.preprocess.align.stackreg import align_stack
from deepz_zoo.preprocess.focus.edf import extended_depth_of_field


def focused_stack(shape):
    """Return planes of noise that is sharp in another plane from left to right."""
    nz, ny, nx = shape
    texture = 1000 * np.random.default_rng(0).random((ny, nx)) + 200
    planes = [gaussian_filter(texture, 0.5 + z) for z in range(nz)]
    columns = np.arange(nx) * nz // nx
    planes = [np.where(columns == z, texture, plane) for z, plane in enumerate(planes)]
    return np.round(planes).astype(np.uint16)


@pytest.fixture
def plugins(monkeypatch):
    """Let the plugins do what this package does, with the plugin's fault."""
    monkeypatch.setattr(
        comparison, "align_with_stackreg", lambda imagej, stack: align_stack(stack).stack
    )
    monkeypatch.setattr(
        comparison,
        "project_with_edf",
        lambda imagej, stack: extended_depth_of_field(stack, plugin_exact=True),
    )


@pytest.mark.parametrize("shape", [(4, 32, 64), (4, 64, 64)])
def test_the_fault_of_the_plugin_is_told_from_other_differences(plugins, shape):
    steps = []
    result = comparison.compare_preparations(
        None, focused_stack(shape), progress=lambda step, done=0, total=0: steps.append(step)
    )
    assert steps == ["StackReg in ImageJ", "StackReg in Python", "EDF in ImageJ", "EDF in Python"]
    assert (result.aligned.largest, result.edf_plugin_exact.largest) == (0, 0)
    assert result.largest_shift_px < 0.02
    assert (result.edf.fraction > 0) == (shape[1] != shape[2])
