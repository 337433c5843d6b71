"""Wide-field and confocal stacks of one specimen: laterally and axially on each other."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter, shift

from deepz_zoo.errors import DeepZError
from deepz_zoo.preprocess.dataset.stacks import read_stack
from deepz_zoo.preprocess.focus.projection import AlignedStack, align_and_project
from deepz_zoo.preprocess.regions.cross_modality import cut_paired_regions, pair_stacks
from deepz_zoo.preprocess.regions.cut import find_foreground
from deepz_zoo.records.dataset import PreparationSettings, StackReading

SETTINGS = PreparationSettings(align="none", region_px=64, planes_each_side=3, targets=4)
SHIFT_PX = (4.0, -6.0)
ZERO_PLANES = (5.0, 7.0)


def two_modalities() -> tuple[np.ndarray, np.ndarray]:
    """Return stacks of flat specimen: blurred out of focus, and dim out of focus and moved."""
    rng = np.random.default_rng(0)
    points = np.zeros((110, 120))
    points[rng.integers(5, 105, 90), rng.integers(5, 115, 90)] = rng.uniform(5e3, 2e4, 90)
    best_wide, best_confocal = ZERO_PLANES
    wide = [gaussian_filter(points, 1.3 + 0.5 * abs(z - best_wide)) for z in range(12)]
    sharp = shift(gaussian_filter(points, 1.0), [-move for move in SHIFT_PX], order=3)
    confocal = [0.4 * sharp * np.exp(-(((z - best_confocal) / 3) ** 2)) for z in range(14)]
    noise = np.random.default_rng(1)
    return tuple(
        np.clip(noise.normal(np.array(planes) + level, 1), 0, None).round().astype(np.uint16)
        for planes, level in ((wide, 100), (confocal, 10))
    )


@pytest.fixture(scope="module")
def aligned() -> list[AlignedStack]:
    return [align_and_project(stack, "none", min_px=64) for stack in two_modalities()]


def test_the_target_is_laid_on_the_wide_field_stack(aligned) -> None:
    paired = pair_stacks(*aligned, min_px=64)
    np.testing.assert_allclose(paired.shift_px, SHIFT_PX, atol=0.3)
    rows, columns = paired.field.edf.shape
    assert paired.target_edf.shape == (rows, columns)
    assert paired.target_stack.shape == (14, rows, columns)
    assert paired.field.stack.shape == (12, rows, columns)
    assert rows <= 110 - 4
    assert columns <= 120 - 6
    assert paired.target_edf.min() > 0, "no pixel that the target does not have"
    correlation = np.corrcoef(paired.field.edf.ravel(), paired.target_edf.ravel())[0, 1]
    assert correlation > 0.85
    assert f"shift {paired.shift_px[0]:+.2f}, {paired.shift_px[1]:+.2f} px" in paired.describe()


def test_the_shift_counts_recorded_pixels(aligned) -> None:
    """Borders that were cut off before do not change it."""
    wide, confocal = aligned
    cut = replace(
        confocal, stack=confocal.stack[:, 3:, 5:], edf=confocal.edf[3:, 5:], origin_px=(3, 5)
    )
    paired = pair_stacks(wide, cut, min_px=64)
    np.testing.assert_allclose(paired.shift_px, SHIFT_PX, atol=0.3)


def test_the_regions_count_z_from_the_focus_of_either_stack(aligned) -> None:
    paired = pair_stacks(*aligned, min_px=64)
    regions, rejected, targets = cut_paired_regions(
        paired,
        find_foreground(paired.field, SETTINGS),
        field_index=2,
        role="training",
        z_step_um=0.5,
        target_z_step_um=0.25,
        settings=SETTINGS,
    )
    assert regions
    assert not rejected
    for region in regions:
        zeros = np.array(region.axial_zero_um) / (0.5, 0.25)
        np.testing.assert_allclose(zeros, ZERO_PLANES, atol=0.5)
        np.testing.assert_allclose(np.diff(region.z_um), 0.5)
        np.testing.assert_allclose(np.diff(region.target_z_um), 0.25)
        assert min(map(abs, region.z_um)) < 0.25
        assert min(map(abs, region.target_z_um)) < 0.125
        assert max(region.z_um) <= 1.75
        assert max(region.target_z_um) <= 1.75
        planes = targets[region.y_px, region.x_px]
        assert planes.shape == (len(region.target_z_um), 64, 64)
        assert region.fine_shift_px is not None
        assert np.abs(region.fine_shift_px).max() < 1
        best = planes[int(np.argmin(np.abs(region.target_z_um)))]
        window = np.s_[region.y_px : region.y_px + 64, region.x_px : region.x_px + 64]
        assert np.corrcoef(best.ravel(), paired.field.edf[window].ravel())[0, 1] > 0.85
    assert [region.index for region in regions] == list(range(len(regions)))


def test_stacks_that_overlap_by_less_than_a_region_are_refused(aligned) -> None:
    wide, confocal = aligned
    with pytest.raises(DeepZError, match="overlap on .* px only, a region is 109 × 109 px"):
        pair_stacks(wide, confocal, min_px=109)


def test_a_region_whose_target_does_not_reach_through_focus_is_left_out(aligned) -> None:
    wide, confocal = aligned
    above = replace(confocal, stack=confocal.stack[9:])
    paired = pair_stacks(wide, above, min_px=64)
    regions, rejected, _ = cut_paired_regions(
        paired,
        find_foreground(paired.field, SETTINGS),
        field_index=0,
        role="training",
        z_step_um=0.5,
        target_z_step_um=0.25,
        settings=SETTINGS,
    )
    assert not regions
    assert rejected
    assert all("focus curve" in rejection.reason for rejection in rejected)


def test_a_region_whose_target_lies_elsewhere_is_left_out(aligned) -> None:
    """Once the field is registered, nothing moves by 20 px more."""
    paired = pair_stacks(*aligned, min_px=64)
    elsewhere = replace(
        paired,
        target_stack=np.roll(paired.target_stack, 20, axis=2),
        target_edf=np.roll(paired.target_edf, 20, axis=1),
    )
    regions, rejected, _ = cut_paired_regions(
        elsewhere,
        find_foreground(paired.field, SETTINGS),
        field_index=0,
        role="training",
        z_step_um=0.5,
        target_z_step_um=0.25,
        settings=SETTINGS,
    )
    assert not regions
    assert {rejection.reason.partition(":")[0] for rejection in rejected} == {
        "target moved too far"
    }


def test_a_real_nucleus(nucleus: Path) -> None:
    """Confocal and wide field of it differ by (0, 3.5) px and one to three planes."""
    wide, confocal = (
        read_stack(nucleus, None, StackReading(channel_index=channel, mismatch="ignore"), 0.325)
        for channel in (2, 1)
    )
    aligned = [align_and_project(s.data, "stackreg", min_px=96) for s in (wide, confocal)]
    paired = pair_stacks(*aligned, min_px=96)
    np.testing.assert_allclose(paired.shift_px, (0, 3.5), atol=0.5)
    settings = PreparationSettings(region_px=96, targets=4)
    regions, rejected, _ = cut_paired_regions(
        paired,
        find_foreground(paired.field, settings),
        field_index=0,
        role="training",
        z_step_um=wide.z_step_um,
        target_z_step_um=confocal.z_step_um,
        settings=settings,
    )
    assert not rejected
    for region in regions:
        zero_um, target_zero_um = region.axial_zero_um
        assert 1 <= (target_zero_um - zero_um) / wide.z_step_um <= 3
