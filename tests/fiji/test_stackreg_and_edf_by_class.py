"""StackReg and EDF by class: what stands in for them shows what they would have seen."""

from __future__ import annotations

import numpy as np
import pytest

from deepz_zoo.errors import DeepZError
from deepz_zoo.fiji.measured_alignment import measure_alignment
from deepz_zoo.fiji.stackreg_and_edf_by_class import (
    align_with_stackreg,
    project_with_edf,
)

pytestmark = pytest.mark.java


@pytest.fixture
def drifted():
    """Return a stack of one scene, and the same with each plane 1 px further to the left."""
    rng = np.random.default_rng(5)
    scene = np.zeros((64, 80))
    scene[rng.integers(16, 48, 60), rng.integers(16, 64, 60)] = 900
    scene = np.round(scene + 40).astype(np.uint16)
    return np.stack([np.roll(scene, -step, axis=1) for step in range(-2, 3)])


@pytest.mark.parametrize("anchor", [0, 2, 4])
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.float64])
def test_stackreg_starts_at_the_anchor(imagej, drifted, anchor, dtype):
    drifted = np.clip(drifted, 0, 255).astype(dtype)
    aligned = align_with_stackreg(imagej, drifted, anchor=anchor)
    assert aligned.dtype == dtype
    inside = np.s_[:, :, 8:-8]
    expected = np.broadcast_to(drifted[anchor], drifted.shape)
    np.testing.assert_array_equal(aligned[inside], expected[inside])


def test_stackreg_receives_the_transformation(imagej, drifted):
    moved = align_with_stackreg(imagej, drifted, transformation="Translation")
    np.testing.assert_array_equal(moved[3, 1:], drifted[3, :-1])
    assert not np.array_equal(moved[3], align_with_stackreg(imagej, drifted)[3])


def test_movements_are_measured_from_the_result(imagej, drifted):
    alignment = measure_alignment(drifted, align_with_stackreg(imagej, drifted))
    expected = [[0.0, step] for step in range(-2, 3)]
    np.testing.assert_allclose(alignment.shifts_px, expected, atol=0.1)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"transformation": "Affine"}, "no affine transformation here"),
        ({"transformation": "Scaled Rotation"}, "use a Fiji, which needs no display"),
        ({"transformation": "Elastic"}, "expected one of Translation, Rigid Body"),
        ({"anchor": 5}, "plane 6 as the anchor; the stack has 5"),
    ],
)
def test_what_stackreg_throws_arrives(imagej, drifted, options, message):
    with pytest.raises(DeepZError, match=message):
        align_with_stackreg(imagej, drifted, **options)


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.float32])
def test_edf(imagej, dtype):
    stack = np.random.default_rng(0).integers(0, 250, (4, 24, 40)).astype(dtype)
    projection = project_with_edf(imagej, stack)
    assert projection.image.dtype == dtype
    np.testing.assert_array_equal(projection.image, stack.max(axis=0))
    np.testing.assert_array_equal(projection.height, stack.argmax(axis=0))


def test_edf_settings_arrive(imagej):
    stack = np.random.default_rng(0).random((4, 24, 40))
    assert np.allclose(project_with_edf(imagej, stack, quality=0).image, stack.min(axis=0))
    half = project_with_edf(imagej, stack, settings={"rate": 0.05}).image
    np.testing.assert_allclose(half, stack.max(axis=0) / 2, rtol=1e-6)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"quality": 1}, "no variance here"),
        ({"quality": 5}, "quality 5; expected 0 to 4"),
        ({"settings": {"sharpness": 1}}, "no setting 'sharpness'; there are color, maxScales"),
        ({"settings": {"maxScales": "many"}}, "maxScales cannot be 'many'"),
        ({"settings": {"color": True}}, "settings are incomplete"),
    ],
)
def test_what_edf_throws_arrives(imagej, options, message):
    with pytest.raises(DeepZError, match=message):
        project_with_edf(imagej, np.zeros((3, 16, 16), np.uint8), **options)


def test_edf_leaves_no_image_open(imagej):
    window_manager = imagej.java_class("ij.WindowManager")
    before = window_manager.getImageCount()
    project_with_edf(imagej, np.zeros((3, 16, 16), np.uint8))
    assert window_manager.getImageCount() == before


@pytest.mark.parametrize("plugin", [align_with_stackreg, project_with_edf])
def test_a_number_of_planes_is_needed(imagej, plugin):
    with pytest.raises(DeepZError, match="expected a stack"):
        plugin(imagej, np.zeros((16, 16), np.uint8))
