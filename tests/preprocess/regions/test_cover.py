"""The cover of a mask: what always holds, and how near it comes to the smallest number."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.ndimage import gaussian_filter
from scipy.optimize import Bounds, LinearConstraint, milp

from deepz_zoo.errors import DeepZError
from deepz_zoo.preprocess.regions.cover import Corner, cover_mask

SIDES = st.integers(4, 10)
MASKS = st.tuples(SIDES, SIDES).flatmap(lambda shape: arrays(bool, shape))


def covered(mask: np.ndarray, corners: tuple[Corner, ...], side: int) -> np.ndarray:
    """Return how many regions each pixel lies in."""
    times = np.zeros(mask.shape, dtype=int)
    for y, x in corners:
        times[y : y + side, x : x + side] += 1
    return times


def smallest_cover(mask: np.ndarray, side: int) -> int:
    """Return the size of the smallest cover, by integer programming over all corners."""
    if not mask.any():
        return 0
    ny, nx = mask.shape
    y, x = (c.ravel() for c in np.mgrid[: ny - side + 1, : nx - side + 1])
    rows, columns = (index[:, None] for index in np.nonzero(mask))
    holds = (y <= rows) & (rows < y + side) & (x <= columns) & (columns < x + side)
    found = milp(
        np.ones(len(y)),
        constraints=LinearConstraint(holds.astype(float), lb=1),
        integrality=np.ones(len(y)),
        bounds=Bounds(0, 1),
    )
    return round(found.fun)


@settings(derandomize=True, max_examples=150, deadline=None)
@given(mask=MASKS, side=st.integers(2, 4), overlap=st.sampled_from([0.0, 0.05, 0.3, 0.49]))
def test_what_holds_for_every_mask(mask: np.ndarray, side: int, overlap: float) -> None:
    corners = cover_mask(mask, side, overlap=overlap)
    times = covered(mask, corners, side)
    assert (times[mask] > 0).all()
    assert list(corners) == sorted(set(corners))
    for y, x in corners:
        assert 0 <= y <= mask.shape[0] - side
        assert 0 <= x <= mask.shape[1] - side
        alone = mask[y : y + side, x : x + side] & (times[y : y + side, x : x + side] == 1)
        assert alone.any(), "a region that the others make needless"


@settings(derandomize=True, max_examples=100, deadline=None)
@given(mask=MASKS, side=st.integers(2, 4))
def test_no_small_mask_takes_a_fifth_more_than_the_fewest(mask: np.ndarray, side: int) -> None:
    """The search is greedy: it takes at most one region more, or a fifth more of many."""
    smallest = smallest_cover(mask, side)
    assert len(cover_mask(mask, side, overlap=0)) <= smallest + max(1, smallest // 5)


def test_most_small_masks_take_the_fewest() -> None:
    rng = np.random.default_rng(0)
    excess = []
    for density in (0.05, 0.1, 0.2, 0.4, 0.7):
        for _ in range(20):
            mask = rng.random(rng.integers(4, 11, 2)) < density
            side = int(rng.integers(2, 5))
            excess.append(len(cover_mask(mask, side, overlap=0)) - smallest_cover(mask, side))
    assert np.mean(np.array(excess) == 0) >= 0.95


@pytest.mark.parametrize(("length", "regions"), [(256, 1), (257, 4), (499, 4), (742, 9)])
def test_a_filled_field_takes_a_grid_that_overlaps_by_five_percent(length, regions: int) -> None:
    corners = cover_mask(np.ones((length, length), dtype=bool))
    assert len(corners) == regions
    starts = sorted({y for y, _ in corners})
    assert [(y, x) for y in starts for x in starts] == list(corners)
    overlaps = 1 - np.diff(starts) / 256
    assert (overlaps > 0.025).all()
    assert len(overlaps) == 0 or overlaps.mean() >= 0.05


def test_regions_lie_where_the_objects_do_and_not_on_a_grid() -> None:
    """Two objects fit into one region, the others are too far apart to."""
    mask = np.zeros((1024, 1024), dtype=bool)
    for y, x in [(100, 90), (130, 300), (500, 520), (900, 100), (910, 350), (600, 980)]:
        mask[y : y + 20, x : x + 20] = True
    corners = cover_mask(mask)
    assert len(corners) == 5
    assert (covered(mask, corners, 256)[mask] > 0).all()


def test_a_real_size_is_covered() -> None:
    blobs = gaussian_filter(np.random.default_rng(1).normal(size=(512, 700)), 12)
    mask = blobs > np.quantile(blobs, 0.9)
    corners = cover_mask(mask, 96)
    assert (covered(mask, corners, 96)[mask] > 0).all()
    assert len(corners) < 6 * 8


def test_an_empty_mask_needs_no_region() -> None:
    assert cover_mask(np.zeros((300, 300), dtype=bool)) == ()


@pytest.mark.parametrize("shape", [(255, 400), (400, 255)])
def test_a_field_smaller_than_a_region_is_refused(shape: tuple[int, int]) -> None:
    with pytest.raises(DeepZError, match="choose a smaller `region_px`, such as 224"):
        cover_mask(np.ones(shape, dtype=bool))
