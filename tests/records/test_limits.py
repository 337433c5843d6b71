"""Where a curve says that a model fails, on curves whose limits are known."""

from __future__ import annotations

import math

import pytest

from deepz_zoo.records.accuracy import ImageMetrics
from deepz_zoo.records.conditions import LOGARITHMIC, Condition
from deepz_zoo.records.limits import LimitCurve, LimitPoint, LimitSettings, MeasuredLimits

Correlations = dict[float, float]


def metrics(correlation: float) -> ImageMetrics:
    return ImageMetrics(
        correlation=correlation, error_over_rms=0.5, ssim=0.9, mae=0.1, mse=0.01, rmse=0.1
    )


def curve(
    model: Correlations,
    *,
    condition: Condition = "distance",
    trained: tuple[float, float] = (-1.0, 1.0),
    inputs: Correlations | None = None,
    ratios: Correlations | None = None,
) -> LimitCurve:
    return LimitCurve(
        condition=condition,
        trained=trained,
        points=tuple(
            LimitPoint(
                value=value,
                images=2,
                model=metrics(correlation),
                input=metrics((inputs or {}).get(value, 0.0)),
                signal_to_noise=(ratios or {}).get(value),
            )
            for value, correlation in model.items()
        ),
    )


def test_the_limit_lies_where_a_tenth_of_the_correlation_at_the_edge_is_lost() -> None:
    # Edges of 1.0 and 0.8 leave 0.9 and 0.72: a quarter of the way to 0.6, half way to 0.64.
    found = curve({-3: 0.6, -1: 1.0, 0: 1.0, 1: 0.8, 2: 0.64})
    assert found.usable() == (-1.5, 1.5)


def test_nothing_fails_where_the_correlation_stays() -> None:
    assert curve({-2: 0.9, -1: 1.0, 1: 1.0, 2: 0.91}).usable() == (None, None)


def test_only_the_side_that_fails_has_a_limit() -> None:
    assert curve({-2: 1.0, -1: 1.0, 1: 1.0, 2: 0.8}).usable() == (None, 1.5)


def test_what_is_measured_inside_the_trained_interval_is_no_limit() -> None:
    assert curve({-2: 1.0, -1: 1.0, 0: 0.1, 1: 1.0, 2: 1.0}).usable() == (None, None)


def test_the_first_failure_counts_even_when_the_model_recovers_beyond() -> None:
    assert curve({-1: 1.0, 1: 1.0, 2: 0.8, 3: 1.0, 4: 0.8}).usable() == (None, 1.5)


def test_a_model_that_is_worse_than_its_input_fails() -> None:
    found = curve({-1: 1.0, 1: 1.0, 2: 0.95}, inputs={1: 0.5, 2: 0.97})
    # Only 0.1 may be lost whatever the input; the margin runs from 0.1 to -0.02.
    assert found.usable() == (None, 1.8)


def test_a_model_that_is_worse_than_its_input_at_the_edge_fails_there() -> None:
    found = curve({-1: 1.0, 1: 0.7, 2: 0.7}, inputs={1: 0.8, 2: 0.1})
    assert found.usable() == (None, 1)


def test_the_limit_may_coincide_with_a_measured_point() -> None:
    assert curve({-1: 1.0, 1: 1.0, 2: 0.9, 3: 0.5}).usable() == (None, 2)


def test_a_curve_without_a_point_on_one_side_says_nothing_of_it() -> None:
    assert curve({-2: 0.5, -1: 1.0, 0: 1.0}).usable() == (-1.2, None)


@pytest.mark.parametrize("condition", ["signal", "density"])
def test_limits_of_logarithmic_conditions_are_interpolated_in_the_logarithm(
    condition: Condition,
) -> None:
    assert condition in LOGARITHMIC
    found = curve(
        {10: 0.8, 1000: 1.0, 10_000: 1.0, 1_000_000: 0.8},
        condition=condition,
        trained=(1000, 10_000),
    )
    assert found.usable() == (100, 100_000)


def test_a_limit_has_two_digits() -> None:
    assert curve({-1: 1.0, 1: 1.0, 4: 0.79}).usable() == (None, 2.4)


def test_the_signal_to_noise_ratio_is_interpolated() -> None:
    found = curve(
        {100: 0.5, 1000: 0.8, 10_000: 1.0, 100_000: 1.0},
        condition="signal",
        trained=(1000, 10_000),
        ratios={100: 2.0, 1000: 8.0, 10_000: 40.0},
    )
    assert found.signal_to_noise_at(1000) == 8
    assert found.signal_to_noise_at(math.sqrt(1e5)) == 4
    assert found.signal_to_noise_at(10_000) == 40
    assert found.signal_to_noise_at(50) is None
    assert found.signal_to_noise_at(50_000) is None


def test_a_curve_is_found_by_its_condition() -> None:
    limits = MeasuredLimits(
        version=1,
        code_version="0.1.0",
        system_name="leica20x_0.8/TxRd",
        seeds=(1_600_000,),
        specimens=("beads",),
        settings=LimitSettings(),
        curves=(curve({0: 1.0}), curve({1: 1.0}, condition="signal")),
    )
    found = limits.curve("signal")
    assert found is not None
    assert found.points[0].value == 1
    assert limits.curve("density") is None
    assert MeasuredLimits.model_validate_json(limits.model_dump_json()) == limits
