"""From a foreground mask to regions with their planes."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter

from deepz_zoo.intensities import intensity_scale
from deepz_zoo.intensities.noise import noise_level
from deepz_zoo.preprocess.focus.projection import align_and_project
from deepz_zoo.preprocess.regions.cut import (
    cut_regions,
    find_fault,
    find_foreground,
    single_image_scales,
)
from deepz_zoo.records.dataset import PreparationSettings

SETTINGS = PreparationSettings(align="none", region_px=32, planes_each_side=3)


def two_objects() -> np.ndarray:
    """Return 12 planes with one object in focus in plane 4 and another one in plane 8."""
    rng = np.random.default_rng(0)
    stack = rng.normal(100, 3, (12, 64, 96))
    for (y, x), best in (((16, 18), 4), ((46, 74), 8)):
        point = np.zeros(stack.shape[1:])
        point[y, x] = 60_000
        for z, plane in enumerate(stack):
            plane += gaussian_filter(point, 1.5 + 0.7 * abs(z - best))
    return stack.round().astype(np.uint16)


def test_each_region_has_its_own_middle_plane() -> None:
    field = align_and_project(two_objects(), "none", min_px=32)
    mask = find_foreground(field, SETTINGS)
    regions, rejected = cut_regions(
        field, mask, field_index=5, role="test", z_step_um=0.5, settings=SETTINGS
    )
    assert not rejected
    assert len(regions) == 2
    for region, middle in zip(regions, (4, 8), strict=True):
        assert (region.field_of_view, region.split, region.size_px) == (5, "test", 32)
        assert region.first_plane == middle - 3
        assert region.z_um == (-1.5, -1.0, -0.5, 0.0, 0.5, 1.0, 1.5)
        assert region.target_z_um == region.z_um
        assert np.argmax(region.focus_curve) == 3
        assert region.axial_zero_um == (0.5 * middle, 0.5 * middle)
        assert not region.clipped
        assert region.stack_scale == (field.scale.background, field.scale.scale)
    assert [region.index for region in regions] == [0, 1]
    covered = np.zeros_like(mask)
    for region in regions:
        covered[region.y_px : region.y_px + 32, region.x_px : region.x_px + 32] = True
    assert covered[mask].all()


def test_planes_beyond_the_ends_of_the_stack_are_missing() -> None:
    field = align_and_project(two_objects()[3:], "none", min_px=32)
    regions, _ = cut_regions(
        field,
        find_foreground(field, SETTINGS),
        field_index=0,
        role="training",
        z_step_um=0.5,
        settings=SETTINGS,
    )
    assert regions[0].clipped
    assert regions[0].first_plane == 0
    assert regions[0].z_um[0] == -0.5
    assert not regions[1].clipped


def test_each_plane_has_the_scale_of_a_single_image() -> None:
    planes = two_objects()[:3]
    for plane, (background, scale) in zip(planes, single_image_scales(planes), strict=True):
        single = intensity_scale(plane)
        assert (background, scale) == (single.background, single.scale)


def test_noise_is_left_out_with_the_reason() -> None:
    rng = np.random.default_rng(0)
    noise = rng.normal(100, 5, (12, 32, 32)).round().astype(np.uint16)
    reason = find_fault(noise, 6, range(3, 10), background=100)
    assert reason is not None
    assert reason.startswith("no contrast: the brightest spot is 1.")
    assert find_fault(two_objects()[:, :32, :32], 4, range(1, 8), background=100) is None


def test_too_few_planes_are_left_out() -> None:
    reason = find_fault(two_objects(), 0, range(0, 4), background=100)
    assert reason == "too few planes: 4 of the stack are in the range"


@pytest.mark.parametrize("sigma", [2.0, 30.0])
def test_the_noise_level_ignores_sparse_structures(sigma: float) -> None:
    image = np.random.default_rng(0).normal(500, sigma, (200, 200))
    image[50:60, 50:60] += 5000
    assert noise_level(image) == pytest.approx(sigma, rel=0.03)
