"""Fig. S10: refocusing of images that were exposed shorter or longer than those of the training."""

from __future__ import annotations

from typing import TYPE_CHECKING

from deepz_zoo.experiments.conditions import ConditionResult, measure_curves, plot_curves
from deepz_zoo.experiments.result import Finding

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from deepz_zoo.experiments.subject import Subject


class ExposureResult(ConditionResult):
    """Accuracy against the exposure, as the brightest pixel of the stack in electrons."""

    def findings(self) -> tuple[Finding, ...]:
        """Return the shortest exposure at which the model works, at each distance."""
        return tuple(
            Finding(
                quantity=f"fails below, e⁻ in the brightest pixel, at |Δz| {each.distance_um:g} µm",
                paper="robust over a broad range",
                ours=self._limit(index),
            )
            for index, each in enumerate(self.curves)
        )

    def _limit(self, index: int) -> str:
        curve = self.curves[index].curve
        low, _ = curve.usable()
        if low is None:
            return f"not down to {curve.points[0].value:g}"
        ratio = curve.signal_to_noise_at(low)
        return f"{low:g}" if ratio is None else f"{low:g} (signal/noise {ratio:g})"


def run(subject: Subject) -> ExposureResult:
    """Measure the accuracy against the exposure (Supplementary Fig. S10).

    The paper images one sample with several exposure times and calls inference robust "over a broad
    range of image exposure times that were not included in the training data". Photoelectrons are
    proportional to the exposure time; the same simulated specimens are recorded with 100 to 100 000
    electrons in the brightest pixel of the stack, over a background of 30. Training saw 1000 to
    28 000. Failing is defined as for the limits, see `LimitCurve.usable`.
    """
    kinds = subject.system.specimen_kinds
    specimens = kinds[:1] if subject.quick else kinds
    return ExposureResult(curves=measure_curves(subject, "signal", specimens))


def plot(result: ExposureResult) -> Figure:
    """Draw the correlation against the exposure."""
    return plot_curves(result.curves, "brightest pixel of the stack in e⁻")
