"""The ways in which a model fails, with what was measured of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from deepz_zoo.files import Record
from deepz_zoo.records.conditions import Condition
from deepz_zoo.records.limits import LimitCurve

if TYPE_CHECKING:
    from deepz_zoo.optics import ImagingSystem
    from deepz_zoo.records.limits import MeasuredLimits

FailureCause = Literal[Condition, "lateral_variation"]

# Values whose correlation tells more than the limit does: the opposite sign of spherical
# aberration, and pixels that are 10 % off.
_SHOWN: dict[Condition, tuple[float, ...]] = {
    "spherical_aberration": (-1.0,),
    "pixel_size": (0.9, 1.1),
}


class FailurePoint(Record):
    """Correlations with the ground truth under one value of a condition."""

    value: float
    model: float
    input: float


class MeasuredFailure(Record):
    """What the curve of a condition says of its failure.

    Attributes
    ----------
    lowest, highest
        The values between which the condition was measured.
    fails_below, fails_above
        The limits, see `LimitCurve.usable`; None where no measured value is that bad.
    signal_to_noise
        Signal-to-noise ratio of input images at the lower limit; None where it is not known.
    trained_correlation
        Correlation at the lower end of what was trained; None where that was not measured.
    points
        Correlations at the values that say more than a limit does.
    """

    lowest: float
    highest: float
    fails_below: float | None
    fails_above: float | None
    signal_to_noise: float | None
    trained_correlation: float | None
    points: tuple[FailurePoint, ...] = ()


class FailureMode(Record):
    """One way in which a model fails.

    Attributes
    ----------
    cause
        The condition; or ``"lateral_variation"``, DPMs that vary over too few pixels.
    trained
        The interval that the model was trained on, where the system tells it: for ``"distance"``,
        the axial range in µm.
    measured
        None where this was not measured.
    """

    cause: FailureCause
    trained: tuple[float, float] | None = None
    measured: MeasuredFailure | None = None


def failure_modes(system: ImagingSystem, limits: MeasuredLimits | None) -> tuple[FailureMode, ...]:
    """Return each way in which a model fails.

    Parameters
    ----------
    system
        What the model is for.
    limits
        Its measured curves; without them, or without one, a mode holds nothing measured.
    """

    def measured(condition: Condition) -> MeasuredFailure | None:
        curve = limits.curve(condition) if limits else None
        return _measured(curve) if curve else None

    axial = (-system.z_range_um, system.z_range_um)
    return (
        FailureMode(cause="distance", trained=axial, measured=measured("distance")),
        FailureMode(cause="lateral_variation"),
        FailureMode(cause="signal", measured=measured("signal")),
        FailureMode(cause="density", measured=measured("density")),
        FailureMode(cause="spherical_aberration", measured=measured("spherical_aberration")),
        FailureMode(cause="pixel_size", measured=measured("pixel_size")),
    )


def _measured(curve: LimitCurve) -> MeasuredFailure:
    low, high = curve.usable()
    points = {point.value: point for point in curve.points}
    trained = points.get(curve.trained[0])
    return MeasuredFailure(
        lowest=curve.points[0].value,
        highest=curve.points[-1].value,
        fails_below=low,
        fails_above=high,
        signal_to_noise=None if low is None else curve.signal_to_noise_at(low),
        trained_correlation=None if trained is None else trained.model.correlation,
        points=tuple(
            FailurePoint(
                value=value,
                model=points[value].model.correlation,
                input=points[value].input.correlation,
            )
            for value in _SHOWN.get(curve.condition, ())
            if value in points
        ),
    )
