"""Everything that is measured has a label."""

from __future__ import annotations

import pytest

from deepz_zoo.cards.labels import (
    CONDITION_LABELS,
    METHOD_LABELS,
    fails_text,
    interval_text,
    ratio_text,
)
from deepz_zoo.records.accuracy import COMPARED_METHODS, Ratio
from deepz_zoo.records.conditions import CONDITIONS


def test_every_condition_and_method_has_one() -> None:
    assert set(CONDITION_LABELS) == set(CONDITIONS)
    assert set(METHOD_LABELS) == set(COMPARED_METHODS)


@pytest.mark.parametrize(
    ("usable", "text"),
    [
        ((200, 5000), "fails below 200 and above 5000 e⁻"),
        ((200, None), "fails below 200 e⁻"),
        ((None, 0.5), "fails above 0.5 e⁻"),
        ((None, None), "fails at no measured value"),
    ],
)
def test_limits(usable: tuple[float | None, float | None], text: str) -> None:
    assert fails_text(usable, " e⁻") == text


def test_intervals_and_ratios() -> None:
    assert interval_text((-10, 10)) == "-10 to 10"
    assert interval_text((1, 1)) == "1"
    assert ratio_text(Ratio(median=0.8125, mean=1, q25=0.5, q75=1.25)) == "0.81 (0.50–1.25)"
    assert ratio_text(None) == "–"
