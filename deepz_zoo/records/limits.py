"""Where a model fails, as data: its accuracy while one condition leaves what it was trained on."""

from __future__ import annotations

import math
from itertools import pairwise

from deepz_zoo.files import Record
from deepz_zoo.records.accuracy import ImageMetrics
from deepz_zoo.records.conditions import LOGARITHMIC, Condition

KEPT = 0.9
"""A limit is where less than this fraction of the correlation at the trained edge is left."""


class LimitPoint(Record):
    """Accuracy under one value of a condition.

    Attributes
    ----------
    value
        Value of the condition.
    images
        Number of images behind the means.
    model, input
        Mean metrics of the refocused images and of the input as it is.
    signal_to_noise
        Median over the input images of the intensity scale over the noise between neighboring
        pixels; None where they hold no noise.
    """

    value: float
    images: int
    model: ImageMetrics
    input: ImageMetrics
    signal_to_noise: float | None = None


class LimitCurve(Record):
    """Accuracy against one condition, all others being those of the benchmark.

    Attributes
    ----------
    condition
        What changes: ``distance`` is Δz with its sign, in µm; ``signal`` the brightest pixel of
        the stack in electrons; ``density`` beads per 1000 µm² of the image;
        ``spherical_aberration`` a factor, negative for the opposite sign; ``pixel_size`` the true
        one over that of the model.
    trained
        The interval that the model was trained on, between two of the points.
    points
        In ascending order of their values.
    """

    condition: Condition
    trained: tuple[float, float]
    points: tuple[LimitPoint, ...]

    def usable(self) -> tuple[float | None, float | None]:
        """Return the lower and the upper limit of the condition.

        Outward from each trained edge, the limit is where the correlation falls below `KEPT` times
        that at the edge, or below that of the input. It is interpolated between the points, and
        None where no measured point is that bad.
        """
        low, high = self.trained
        downward = [point for point in reversed(self.points) if point.value <= low]
        upward = [point for point in self.points if point.value >= high]
        return self._first_failure(downward), self._first_failure(upward)

    def signal_to_noise_at(self, value: float) -> float | None:
        """Return the signal-to-noise ratio of input images under a value of the condition.

        Interpolated between the measured points in the ratio's logarithm; None beyond them.
        """
        known = [(p.value, p.signal_to_noise) for p in self.points if p.signal_to_noise is not None]
        for (left, low), (right, high) in pairwise(known):
            if left <= value <= right:
                start, end = self._place(left), self._place(right)
                fraction = (self._place(value) - start) / (end - start)
                return _two_digits(low ** (1 - fraction) * high**fraction)
        return None

    def _first_failure(self, outward: list[LimitPoint]) -> float | None:
        if not outward:
            return None
        edge = outward[0]

        def margin(point: LimitPoint) -> float:
            least = max(KEPT * edge.model.correlation, point.input.correlation)
            return point.model.correlation - least

        if margin(edge) < 0:
            return edge.value
        for inner, outer in pairwise(outward):
            if margin(outer) < 0:
                fraction = margin(inner) / (margin(inner) - margin(outer))
                start, end = self._place(inner.value), self._place(outer.value)
                return _two_digits(self._value(start + fraction * (end - start)))
        return None

    def _place(self, value: float) -> float:
        """Return where a value stands on the axis of the condition."""
        return math.log(value) if self.condition in LOGARITHMIC else value

    def _value(self, place: float) -> float:
        return math.exp(place) if self.condition in LOGARITHMIC else place


class LimitSettings(Record):
    """What the curves were measured with.

    Attributes
    ----------
    distance_um
        |Δz| of every curve but that over the distance itself.
    inputs_per_distance
        Input planes drawn from every stack for each signed distance.
    """

    shape_px: tuple[int, int] = (192, 192)
    distance_um: float = 5.0
    inputs_per_distance: int = 2


class MeasuredLimits(Record):
    """The curves of one model, on held-out simulated stacks that no other measurement uses."""

    version: int
    code_version: str
    system_name: str
    seeds: tuple[int, ...]
    specimens: tuple[str, ...]
    settings: LimitSettings
    curves: tuple[LimitCurve, ...]

    def curve(self, condition: Condition) -> LimitCurve | None:
        """Return the curve of a condition, None when it was not measured."""
        return next((curve for curve in self.curves if curve.condition == condition), None)


def _two_digits(value: float) -> float:
    """Round to two significant digits: interpolation is not better."""
    return float(f"{value:.2g}")
