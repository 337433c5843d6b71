"""The sentences on how a model fails."""

from __future__ import annotations

import pytest

from deepz_zoo.cards.failures import failure_sentences
from deepz_zoo.optics import get_system
from deepz_zoo.records.failure_modes import failure_modes
from deepz_zoo.records.limits import MeasuredLimits

SYSTEM = get_system("leica20x_0.8/TxRd")


def sentences(limits: MeasuredLimits | None) -> tuple[str, ...]:
    return failure_sentences(failure_modes(SYSTEM, limits))


def test_without_measured_limits_nothing_measured_is_claimed() -> None:
    found = sentences(None)
    assert all(sentence.endswith(".") and "(" not in sentence for sentence in found)
    assert found[0].startswith("It refocuses from -10 to +10 µm;")


@pytest.mark.parametrize(
    "expected",
    [
        "never trained (it fails below -12 and above 14 µm, measured to ±15 µm).",
        "(it fails below 100 e⁻ in the brightest pixel of a stack, a signal of 6 times the noise).",
        "(it fails above 5.5 beads per 1000 µm²).",
        "correlation 1.00 as trained, 0.20 at the same aberration of the other sign "
        "(its input: 0.31).",
        "1.00 as trained, 0.95 at 0.9 times its pixel size (its input: 0.31), 0.93 at 1.1 times",
    ],
)
def test_measured_limits_bring_their_values(limits, expected: str) -> None:
    assert sum(expected in sentence for sentence in sentences(limits)) == 1


def test_a_curve_that_was_not_measured_brings_none(limits) -> None:
    some = limits.model_copy(update={"curves": limits.curves[:1]})
    found = sentences(some)
    assert found[0] == sentences(limits)[0]
    assert found[1:] == sentences(None)[1:]


def test_a_curve_on_which_nothing_fails_says_how_far_it_was_measured(limits) -> None:
    distance = limits.curve("distance")
    points = tuple(
        p.model_copy(update={"model": distance.points[2].model}) for p in distance.points
    )
    flat = distance.model_copy(update={"points": points})
    first = sentences(limits.model_copy(update={"curves": (flat,)}))[0]
    assert "never trained (it fails at no measured value, measured to ±15 µm)." in first
