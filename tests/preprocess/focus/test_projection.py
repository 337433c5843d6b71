"""Alignment, borders, projection and scale, one after the other."""

from __future__ import annotations

import numpy as np
from scipy.ndimage import gaussian_filter, shift

from deepz_zoo.intensities import intensity_scale
from deepz_zoo.preprocess.align.stackreg import align_stack
from deepz_zoo.preprocess.focus.edf import extended_depth_of_field
from deepz_zoo.preprocess.focus.projection import align_and_project

DRIFT_PX = [(0.5 * z, -1.0 * z) for z in range(-2, 3)]


def drifting_stack() -> np.ndarray:
    image = gaussian_filter(np.random.default_rng(0).random((72, 80)), 3, mode="wrap")
    image = 100 + 1000 * (image - image.min()) / np.ptp(image)
    return np.array([shift(image, d, mode="grid-wrap") for d in DRIFT_PX]).round().astype(np.uint16)


def test_borders_that_a_plane_lacks_are_cut_off() -> None:
    stack = drifting_stack()
    aligned = align_and_project(stack, "stackreg", min_px=32)
    alignment = align_stack(stack)
    top, left = aligned.origin_px
    rows, columns = aligned.stack.shape[1:]
    assert 0 < 72 - rows <= 4
    assert 0 < 80 - columns <= 6
    window = np.s_[:, top : top + rows, left : left + columns]
    np.testing.assert_array_equal(aligned.stack, alignment.stack[window])
    np.testing.assert_array_equal(aligned.shifts_px, alignment.shifts_px)
    assert aligned.stack.min() >= 90, "no pixel that StackReg left black"


def test_they_are_filled_where_a_region_needs_the_room() -> None:
    stack = drifting_stack()
    aligned = align_and_project(stack, "stackreg", min_px=72)
    assert aligned.stack.shape[1] == 72
    assert aligned.stack.min() >= 90


def test_projection_and_scale_are_those_of_the_aligned_stack() -> None:
    aligned = align_and_project(drifting_stack(), "stackreg", min_px=32)
    projection = extended_depth_of_field(aligned.stack)
    np.testing.assert_array_equal(aligned.edf, projection.image)
    np.testing.assert_array_equal(aligned.height, projection.height)
    assert aligned.scale == intensity_scale(projection.image)


def test_without_alignment_the_stack_stays_as_it_is() -> None:
    stack = drifting_stack()
    aligned = align_and_project(stack, "none", min_px=32)
    np.testing.assert_array_equal(aligned.stack, stack)
    assert aligned.origin_px == (0, 0)
    assert aligned.rejected_planes == ()
    assert not aligned.shifts_px.any()
    assert not aligned.angles_deg.any()
