"""Figs. S13 and S15 to S17: how dense a specimen may be, at every refocusing distance."""

from __future__ import annotations

from typing import TYPE_CHECKING

from deepz_zoo.experiments.conditions import ConditionResult, measure_curves, plot_curves
from deepz_zoo.experiments.result import Finding

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from deepz_zoo.experiments.subject import Subject


class DensityResult(ConditionResult):
    """Accuracy against the number of beads per 1000 µm²."""

    def findings(self) -> tuple[Finding, ...]:
        """Return the density at which the model fails, at each distance."""
        found = []
        for each in self.curves:
            _, high = each.curve.usable()
            last = each.curve.points[-1].value
            found.append(
                Finding(
                    quantity=f"fails above, beads per 1000 µm², at |Δz| {each.distance_um:g} µm",
                    paper="a limit that depends on Δz",
                    ours=f"not up to {last:g}" if high is None else f"{high:g}",
                )
            )
        return tuple(found)


def run(subject: Subject) -> DensityResult:
    """Measure the accuracy against the density of beads (Supplementary Figs. S13, S15 to S17).

    The main text calls the network robust to the density of fluorescent objects "up to a limit,
    which is a function of the axial refocusing distance". Beads are scattered over the whole depth
    of the range, 1 to 300 per 1000 µm² of the image, with low noise. Failing is defined as for the
    limits, see `LimitCurve.usable`.
    """
    return DensityResult(curves=measure_curves(subject, "density", ("beads",)))


def plot(result: DensityResult) -> Figure:
    """Draw the correlation against the density."""
    return plot_curves(result.curves, "beads per 1000 µm²")
