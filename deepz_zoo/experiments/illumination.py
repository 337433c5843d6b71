"""Illumination whose intensity varies across the image."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import product
from typing import TYPE_CHECKING

import numpy as np
import torch

from deepz_zoo.evaluation.reference import ReferenceStack
from deepz_zoo.experiments.comparison import Comparison
from deepz_zoo.experiments.drawing import draw_metric
from deepz_zoo.experiments.planes import Planes
from deepz_zoo.experiments.result import Finding, Result
from deepz_zoo.files import Record
from deepz_zoo.records.limits import LimitPoint
from deepz_zoo.simulate.camera import Exposure
from deepz_zoo.simulate.specimens import Emitters, draw_specimen
from deepz_zoo.simulate.stack import acquire_stack

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from deepz_zoo.experiments.subject import Subject

DEPTHS, QUICK_DEPTHS = (0.0, 0.3, 0.6, 0.95), (0.0, 0.5, 0.95)
"""Modulation depths: the darkest illumination is 1 − depth, the brightest 1 + depth."""
PERIODS = (1.0, 0.25, 0.0625)
"""Periods as fractions of the width of the image."""
SPECIMENS, QUICK_SPECIMENS = ("beads", "nuclei", "texture"), ("nuclei",)
DISTANCE = 0.5
"""Refocusing distance in half-ranges, in both directions."""


class IlluminationPoint(LimitPoint):
    """Accuracy under one modulation; the value is its depth.

    Attributes
    ----------
    period_um
        Period of the illumination along x.
    """

    period_um: float


class PeriodCurve(Record):
    """Accuracy against the modulation depth at one period."""

    period_um: float
    points: tuple[LimitPoint, ...]


class IlluminationResult(Result):
    """Accuracy against the modulation of the illumination.

    Attributes
    ----------
    distance_um
        |Δz|.
    curves
        One for each period, from the longest.
    """

    distance_um: float
    curves: tuple[PeriodCurve, ...]

    def rows(self) -> Sequence[IlluminationPoint]:
        """Return a row for each period and depth."""
        return [
            IlluminationPoint(period_um=curve.period_um, **dict(point))
            for curve in self.curves
            for point in curve.points
        ]

    def findings(self) -> tuple[Finding, ...]:
        """Return what the deepest modulation of each period leaves of the correlation."""
        return tuple(
            Finding(
                quantity=f"correlation, even → modulated by ±{curve.points[-1].value:.0%}, "
                f"period {curve.period_um:.3g} µm",
                paper="robust",
                ours=f"{curve.points[0].model.correlation:.3f} → "
                f"{curve.points[-1].model.correlation:.3f}",
            )
            for curve in self.curves
        )


def run(subject: Subject) -> IlluminationResult:
    """Measure the accuracy under uneven illumination (Discussion).

    The main text calls the network robust to "illumination intensity modulation" and prints neither
    its kind nor its size. Here the
    excitation varies along x as 1 + m cos(2πx / P), the same at all depths as in a wide-field
    microscope: each emitter shines by that factor more, in the input and in the ground truth. The
    background stays even. Specimens, instrument and noise are the same for all m and P.
    """
    distance = subject.system.whole_steps_um(DISTANCE)
    comparison = Comparison(subject.model)
    depths = QUICK_DEPTHS if subject.quick else DEPTHS
    for light, planes in _stacks(subject, depths):
        random = np.random.default_rng(subject.first_seed)
        for dz in (-distance, distance):
            for source, target in planes.draw_pairs(dz, subject.pairs, random):
                comparison.add(light, planes, source, target)
    width_um = subject.shape_px[1] * subject.system.pixel_size_um
    curves = [
        PeriodCurve(
            period_um=round(period * width_um, 4),
            points=tuple(comparison.point(_light(period, depth), depth) for depth in depths),
        )
        for period in PERIODS
    ]
    return IlluminationResult(distance_um=distance, curves=tuple(curves))


def _light(period: float, depth: float) -> tuple[float, float]:
    """Return period and depth of a modulation; even light has no period."""
    return (period, depth) if depth else (0.0, 0.0)


def _stacks(
    subject: Subject, depths: Sequence[float]
) -> Iterator[tuple[tuple[float, float], Planes]]:
    """Yield the modulation, see `_light`, and the stack that was taken under it."""
    microscope = subject.microscope()
    exposure = Exposure.draw("low", torch.Generator().manual_seed(subject.first_seed))
    specimens = QUICK_SPECIMENS if subject.quick else SPECIMENS
    lights = sorted({_light(*both) for both in product(PERIODS, depths)})
    for done, (specimen, light) in enumerate(product(specimens, lights), 1):
        period, depth = light
        generator = torch.Generator().manual_seed(subject.first_seed)
        emitters = draw_specimen(specimen, microscope.volume, generator)
        if depth:
            period_um = period * microscope.volume.size_um[1]
            emitters = illuminated(emitters, depth, period_um)
        stack = acquire_stack(
            subject.system,
            emitters,
            microscope,
            exposure,
            specimen=specimen,
            seed=subject.first_seed,
            generator=generator,
        )
        yield light, Planes.simulated(ReferenceStack.of(stack))
        subject.progress("simulated stacks", done, len(specimens) * len(lights))


def illuminated(emitters: Emitters, depth: float, period_um: float) -> Emitters:
    """Return emitters under light that varies along x as 1 + depth · cos(2πx / period)."""
    x_um = emitters.positions_um[:, 2]
    light = emitters.light * (1 + depth * torch.cos(2 * math.pi * x_um / period_um))
    return replace(emitters, light=light)


def plot(result: IlluminationResult) -> Figure:
    """Draw the correlation against the modulation depth, a panel for each period."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(3.4 * len(result.curves), 3.6), layout="constrained")
    panels = figure.subplots(1, len(result.curves), sharey=True, squeeze=False)[0]
    for curve, axis in zip(result.curves, panels, strict=True):
        draw_metric(axis, curve.points, "correlation")
        axis.set_title(f"period {curve.period_um:.3g} µm", fontsize=9)
        axis.set_xlabel("modulation depth")
        axis.set_ylim(min(0, axis.get_ylim()[0]), 1)
    panels[0].legend(fontsize=8)
    return figure
