"""StackReg, EDF and normalization by macro; classes of our own stand in for the plugins."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import numpy as np
import pytest
import tifffile

from deepz_zoo.fiji import MacroError
from deepz_zoo.images import read_image
from deepz_zoo.intensities import intensity_scale

pytestmark = pytest.mark.java

PROGRAM = f"program=[{Path(sys.executable).with_name('deepz-zoo')}]"


@pytest.fixture
def z_stack(tmp_path) -> Path:
    rng = np.random.default_rng(2)
    stack = rng.poisson(90, (5, 48, 64)) + 3000 * (rng.random((5, 48, 64)) > 0.97)
    path = tmp_path / "stack.tif"
    pixels = (1 / 0.325, 1 / 0.325)
    metadata = {"axes": "ZYX", "unit": "um", "spacing": 0.5}
    tifffile.imwrite(
        path, stack.astype(np.uint16), imagej=True, resolution=pixels, metadata=metadata
    )
    return path


def test_prepare_normalizes_as_the_python_program_does(play, tmp_path, z_stack, temporary_files):
    output = tmp_path / "out.tif"
    options = f"transformation=None input=[{z_stack}] output=[{output}] {PROGRAM}"
    returned, _ = play("Deep-Z_Prepare", options)
    stack = read_image(z_stack)
    scale = intensity_scale(stack.data.max(axis=0))  # what stands in for EDF
    background, extent = map(float, returned.split())
    assert (background, extent) == pytest.approx((scale.background, scale.scale), abs=1e-5)
    written = read_image(output)
    np.testing.assert_allclose(written.data, scale.apply(stack.data), rtol=1e-5, atol=1e-6)
    assert (written.pixel_size_um, written.z_step_um) == pytest.approx((0.325, 0.5))
    assert temporary_files() == []


def test_prepare_aligns_a_copy_from_the_current_slice(play, tmp_path, z_stack):
    output = tmp_path / "out.tif"
    before = f'open("{z_stack}"); setSlice(4);'
    play("Deep-Z_Prepare", f"output=[{output}] {PROGRAM}", before=before)
    written, stack = read_image(output).data, read_image(z_stack).data
    scale, offset = np.polyfit(stack[3].ravel(), written[3].ravel(), 1)
    np.testing.assert_allclose(written[3], stack[3] * scale + offset, atol=1e-4)
    # what stands in for StackReg moves each plane by its distance from the current slice
    np.testing.assert_allclose(written[4][:, 1:], stack[4][:, :-1] * scale + offset, atol=1e-4)


@pytest.mark.parametrize(
    ("before", "options", "message"),
    [
        ("worm", "", "has 1 channels, 1 slices and 1 frames; expected one z-stack"),
        ("32 bit", "", '"f" has 32 bit; expected'),
        ("z-stack", f"quality=1 {PROGRAM}", "Deep-Z: no variance here"),
        ("z-stack", "program=/none", "program=/none: there is no such file"),
        ("output", "", 'close or rename the image "Output"'),
    ],
)
def test_prepare_that_cannot_go_on(play, before, options, message):
    with pytest.raises(MacroError, match=re.escape(message)):
        play("Deep-Z_Prepare", options, before=before)
