"""Training and validation: no pixel in both, and the wanted fraction."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from deepz_zoo.preprocess.regions.split import Division, Window, divide_regions

WINDOWS = st.lists(
    st.builds(
        Window,
        field_of_view=st.integers(0, 9),
        y_px=st.integers(0, 40),
        x_px=st.integers(0, 40),
        size_px=st.just(16),
    ),
    max_size=25,
    unique=True,
)


def pixels(window: Window) -> set[tuple[int, int, int]]:
    rows = range(window.y_px, window.y_px + window.size_px)
    columns = range(window.x_px, window.x_px + window.size_px)
    return {(window.field_of_view, y, x) for y in rows for x in columns}


def training(windows: list[Window], division: Division) -> list[int]:
    left_out = division.validation | division.dropped
    return [i for i in range(len(windows)) if i not in left_out]


def row(count: int, pitch: int, field: int = 0) -> list[Window]:
    """Return windows of 16 px side by side."""
    return [Window(field, 0, pitch * i, 16) for i in range(count)]


@settings(derandomize=True, max_examples=200, deadline=None)
@given(windows=WINDOWS, fraction=st.sampled_from([0.15, 0.4]), seed=st.integers(0, 3))
def test_no_pixel_is_in_both(windows: list[Window], fraction: float, seed: int) -> None:
    division = divide_regions(windows, fraction, seed)
    assert not division.validation & division.dropped
    kept = training(windows, division)
    assert kept or not windows
    seen = [
        set().union(*(pixels(windows[i]) for i in part)) for part in (division.validation, kept)
    ]
    assert not seen[0] & seen[1]


@pytest.mark.parametrize("fields", [7, 20, 100])
def test_whole_fields_of_view_are_divided_85_to_15(fields: int) -> None:
    windows = [w for field in range(fields) for w in row(6, 14, field)]
    division = divide_regions(windows, 0.15, seed=1)
    assert division.by_field
    assert not division.dropped
    chosen = {windows[i].field_of_view for i in division.validation}
    assert len(division.validation) == 6 * len(chosen)
    assert len(chosen) == pytest.approx(0.15 * fields, abs=0.5)


def test_of_fewer_fields_groups_of_overlapping_regions_are_divided() -> None:
    windows = [Window(0, 0, 100 * group + 10 * i, 16) for group in range(20) for i in range(2)]
    division = divide_regions(windows, 0.15, seed=0)
    assert not division.by_field
    assert not division.dropped
    assert len(division.validation) == 6
    assert all((i ^ 1) in division.validation for i in division.validation)


def test_where_all_hang_together_as_few_as_possible_are_dropped() -> None:
    """In a row where each overlaps the next, the two ends cost one neighbor each."""
    windows = row(12, pitch=14)
    division = divide_regions(windows, 0.15, seed=0)
    assert division.validation
    assert division.validation <= {0, 11}
    assert division.dropped <= {1, 10}
    assert len(training(windows, division)) >= 8


def test_regions_of_different_fields_never_overlap() -> None:
    assert not Window(0, 0, 0, 16).overlaps(Window(1, 0, 0, 16))
    assert Window(0, 0, 0, 16).overlaps(Window(0, 15, 15, 16))
    assert not Window(0, 0, 0, 16).overlaps(Window(0, 16, 0, 16))


@pytest.mark.parametrize("windows", [[], row(1, 16), row(2, 4)])
def test_without_enough_there_is_no_validation(windows: list[Window]) -> None:
    division = divide_regions(windows, 0.15, seed=0)
    assert not division.validation
    assert len(training(windows, division)) == len(windows)


def test_the_seed_decides() -> None:
    windows = [w for field in range(40) for w in row(3, 20, field)]
    found = [divide_regions(windows, 0.15, seed).validation for seed in (0, 0, 1, 2)]
    assert found[0] == found[1]
    assert len(set(found)) == 3
