from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deepz_zoo.errors import DeepZError
from deepz_zoo.refocus import parse_depths


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2.5", (2.5,)),
        ("-5,0,5", (-5.0, 0.0, 5.0)),
        ("-1:1:0.5", (-1.0, -0.5, 0.0, 0.5, 1.0)),
        ("1:-1:-1", (1.0, 0.0, -1.0)),
        ("0:1:0.3", (0.0, 0.3, 0.6, 0.9)),
        ("-0.3:0.3:0.1", (-0.3, -0.2, -0.1, 0.0, 0.1, 0.2, 0.3)),
        ("-2.7:2.7:0.27", tuple(round(-2.7 + 0.27 * i, 9) + 0.0 for i in range(21))),
        ("4:4:1", (4.0,)),
    ],
)
def test_depths(text: str, expected: tuple[float, ...]) -> None:
    assert parse_depths(text) == expected
    assert not any(str(z) == "-0.0" for z in parse_depths(text))


def test_the_range_of_the_paper_has_41_planes() -> None:
    assert len(parse_depths("-10:10:0.5")) == 41


@given(st.integers(-1000, 1000), st.integers(0, 200), st.sampled_from([1, 2, 5, 10, 25, 100]))
def test_an_end_on_the_grid_is_always_included(start: int, count: int, step: int) -> None:
    stop = start + count * step
    depths = parse_depths(f"{start / 100}:{stop / 100}:{step / 100}")
    assert len(depths) == count + 1
    assert depths[-1] == pytest.approx(stop / 100)


@pytest.mark.parametrize(
    "text", ["", "a", "1:2", "1:2:3:4", "0:5:0", "0:5:-1", "nan", "0:inf:1", "1,2:3:1", "0:1:1e-9"]
)
def test_nonsense_is_refused(text: str) -> None:
    with pytest.raises(DeepZError, match="expected|does not lead"):
        parse_depths(text)
