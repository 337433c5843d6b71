"""What is known of the ways in which a model fails."""

from __future__ import annotations

from typing import get_args

from deepz_zoo.optics import get_system
from deepz_zoo.records.failure_modes import FailureCause, FailureMode, failure_modes
from deepz_zoo.records.limits import MeasuredLimits

SYSTEM = get_system("leica20x_0.8/TxRd")


def by_cause(limits: MeasuredLimits | None) -> dict[str, FailureMode]:
    return {mode.cause: mode for mode in failure_modes(SYSTEM, limits)}


def test_every_cause_is_there_once_without_measured_limits() -> None:
    modes = by_cause(None)
    assert sorted(modes) == sorted(get_args(FailureCause))
    assert len(failure_modes(SYSTEM, None)) == len(modes)
    assert all(mode.measured is None for mode in modes.values())
    assert modes["distance"].trained == (-10, 10)


def test_measured_limits_bring_their_values(limits: MeasuredLimits) -> None:
    modes = by_cause(limits)
    distance, signal = modes["distance"].measured, modes["signal"].measured
    assert distance is not None and signal is not None
    assert (distance.fails_below, distance.fails_above) == (-12, 14)
    assert (distance.lowest, distance.highest) == (-15, 15)
    assert (signal.fails_below, signal.fails_above, signal.signal_to_noise) == (100, None, 6)
    aberration, pixels = modes["spherical_aberration"].measured, modes["pixel_size"].measured
    assert aberration is not None and pixels is not None
    assert [(point.value, point.model) for point in aberration.points] == [(-1, 0.2)]
    assert [(point.value, point.model) for point in pixels.points] == [(0.9, 0.95), (1.1, 0.93)]
    assert pixels.trained_correlation == 1
    assert modes["lateral_variation"].measured is None


def test_a_curve_that_was_not_measured_brings_none(limits: MeasuredLimits) -> None:
    some = by_cause(limits.model_copy(update={"curves": limits.curves[:1]}))
    assert [cause for cause, mode in some.items() if mode.measured] == ["distance"]


def test_a_mode_survives_json(limits: MeasuredLimits) -> None:
    for mode in failure_modes(SYSTEM, limits):
        assert FailureMode.model_validate_json(mode.model_dump_json()) == mode
