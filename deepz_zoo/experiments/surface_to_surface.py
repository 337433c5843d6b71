"""Any plane of a stack as the input and any other as the output."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from deepz_zoo.experiments.comparison import Comparison
from deepz_zoo.experiments.result import UNPRINTED, Finding, Result
from deepz_zoo.files import Record
from deepz_zoo.records.accuracy import ImageMetrics

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from deepz_zoo.experiments.planes import Planes
    from deepz_zoo.experiments.subject import Subject

SPECIMENS, QUICK_SPECIMENS = ("beads", "nuclei", "texture"), ("nuclei",)
STEP, QUICK_STEP = 0.1, 0.5
"""Distance between the planes, in half-ranges."""


class PlanePair(Record):
    """One plane refocused to another.

    Attributes
    ----------
    input_um, output_um
        Where both lie from focus.
    images
        How many pairs were measured.
    model, input
        Metrics of the refocused image and of the input as it is, means of the images.
    """

    input_um: float
    output_um: float
    images: int
    model: ImageMetrics
    input: ImageMetrics

    @property
    def dz_um(self) -> float:
        """The refocusing distance."""
        return self.output_um - self.input_um


class SurfaceToSurfaceResult(Result):
    """The error over the planes of the input and of the output.

    Attributes
    ----------
    half_range_um
        Pairs farther apart were not trained for, and are left out.
    pairs
        By input, then by output, ascending.
    """

    half_range_um: float
    pairs: tuple[PlanePair, ...]

    def rows(self) -> Sequence[PlanePair]:
        """Return a row for each pair."""
        return self.pairs

    def findings(self) -> tuple[Finding, ...]:
        """Return how often refocusing helps, and what the accuracy depends on."""
        apart = [pair for pair in self.pairs if pair.dz_um != 0]
        better = np.mean([pair.model.rmse < pair.input.rmse for pair in apart])
        half, edge = 0.5 * self.half_range_um, self.half_range_um
        near = [pair for pair in apart if abs(pair.dz_um) <= half]
        far = [pair for pair in apart if half < abs(pair.dz_um) <= edge + 1e-6]
        return (
            Finding(
                quantity="pairs in which the refocused image has the smaller RMSE",
                paper=UNPRINTED,
                ours=f"{better:.0%} of {len(apart)}",
            ),
            _correlation(f"up to {half:g} µm apart", near),
            _correlation(f"{half:g} to {edge:g} µm apart", far),
            _correlation("input in focus", [p for p in apart if abs(p.input_um) < 0.1 * edge]),
            _correlation("input above focus", [p for p in apart if p.input_um >= half]),
            _correlation("input below focus", [p for p in apart if p.input_um <= -half]),
        )

    def matrix(self, method: str, metric: str) -> tuple[NDArray[np.float64], list[float]]:
        """Return a metric over input (rows) and output (columns), NaN where left out, and their z.

        Parameters
        ----------
        method
            ``"model"`` or ``"input"``.
        metric
            Of `ImageMetrics`.
        """
        z_um = sorted({pair.input_um for pair in self.pairs})
        values = np.full((len(z_um), len(z_um)), np.nan)
        for pair in self.pairs:
            value = getattr(getattr(pair, method), metric)
            values[z_um.index(pair.input_um), z_um.index(pair.output_um)] = value
        return values, z_um


def _correlation(which: str, pairs: Sequence[PlanePair]) -> Finding:
    def mean(method: str) -> str:
        if not pairs:
            return UNPRINTED
        return f"{np.mean([getattr(pair, method).correlation for pair in pairs]):.3f}"

    return Finding(
        quantity=f"correlation, {which} (of the input)",
        paper=UNPRINTED,
        ours=f"{mean('model')} ({mean('input')})",
    )


def run(subject: Subject) -> SurfaceToSurfaceResult:
    """Measure the error of every pair of planes (main text, "a 3D surface onto another").

    The main text calls Deep-Z a "rapid transformation of a 3D surface onto another 3D surface"; its
    text prints no numbers. Planes are evenly spaced around focus within the half-range, and pairs
    are at most the half-range apart: what the training covers.
    """
    half_range = subject.system.z_range_um
    comparison = Comparison(subject.model)
    places: dict[tuple[float, float], None] = {}
    for planes in subject.stacks(QUICK_SPECIMENS if subject.quick else SPECIMENS):
        chosen = _evenly(planes, half_range, QUICK_STEP if subject.quick else STEP)
        for done, source in enumerate(chosen, 1):
            for target in chosen:
                place = (_z(planes, source), _z(planes, target))
                if abs(place[1] - place[0]) <= half_range + 1e-6:
                    comparison.add(place, planes, source, target)
                    places[place] = None
            subject.progress(f"inputs from {planes.name}", done, len(chosen))
    return SurfaceToSurfaceResult(
        half_range_um=half_range, pairs=tuple(_pair(comparison, place) for place in sorted(places))
    )


def _pair(comparison: Comparison, place: tuple[float, float]) -> PlanePair:
    source_um, target_um = place
    point = comparison.point(place, target_um)
    return PlanePair(
        input_um=source_um,
        output_um=target_um,
        images=point.images,
        model=point.model,
        input=point.input,
    )


def _z(planes: Planes, index: int) -> float:
    return round(float(planes.z_um[index]), 4) + 0.0


def _evenly(planes: Planes, half_range_um: float, step: float) -> list[int]:
    """Return the planes nearest to even positions around focus, each once."""
    count = round(1 / step)
    wanted = np.linspace(-half_range_um, half_range_um, 2 * count + 1)
    inside = wanted[(wanted >= planes.z_um[0] - 1e-6) & (wanted <= planes.z_um[-1] + 1e-6)]
    return sorted({planes.nearest(z) for z in inside})


def plot(result: SurfaceToSurfaceResult) -> Figure:
    """Draw correlation and RMSE over input and output, and the RMSE over that of the input."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(12, 4), layout="constrained")
    similarity, z_um = result.matrix("model", "correlation")
    error, _ = result.matrix("model", "rmse")
    given, _ = result.matrix("input", "rmse")
    with np.errstate(divide="ignore", invalid="ignore"):
        # Of a plane onto itself, the input differs by its noise alone.
        relative = np.where(np.eye(len(z_um), dtype=bool), np.nan, error / given)
    panels: tuple[tuple[str, NDArray[np.float64], dict[str, Any]], ...] = (
        ("correlation", similarity, {"vmin": 0, "vmax": 1, "cmap": "viridis"}),
        ("RMSE in intensity scales", error, {"vmin": 0, "cmap": "viridis_r"}),
        ("RMSE over that of the input", relative, {"vmin": 0, "vmax": 2, "cmap": "RdBu_r"}),
    )
    for axis, (title, values, colors) in zip(figure.subplots(1, 3), panels, strict=True):
        drawn = axis.pcolormesh(z_um, z_um, values, shading="nearest", **colors)
        figure.colorbar(drawn, ax=axis)
        axis.set_title(title, fontsize=9)
        axis.set_xlabel("z of the output in µm")
        axis.set_aspect("equal")
    figure.axes[0].set_ylabel("z of the input in µm")
    return figure
