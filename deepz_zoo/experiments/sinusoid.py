"""Fig. S7: refocusing onto surfaces that oscillate, and how finely a DPM may vary."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from deepz_zoo.dpm import SHORTEST_PERIOD_UM, Sinusoid
from deepz_zoo.errors import DeepZError
from deepz_zoo.experiments.on_surface import image_on_surface
from deepz_zoo.experiments.result import UNPRINTED, Finding, Result
from deepz_zoo.experiments.spectrum import harmonics, power_spectrum
from deepz_zoo.files import Record
from deepz_zoo.measure.metrics import correlation, rmse
from deepz_zoo.refocus import refocus_image

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from deepz_zoo.experiments.planes import Planes
    from deepz_zoo.experiments.subject import Subject

PERIODS_PX = (1, 2, 4, 8, 16, 24, 32, 48, 64, 80, 100, 128, 160, 192, 256)
QUICK_PERIODS_PX = (2, 16, 64)
LOWEST, HIGHEST = -0.9, -0.1
"""Of the surfaces, in half-ranges from the input plane: the paper's -9 and -1 µm at ±10 µm."""
INPUT = 0.5
"""Of the input plane, in half-ranges from focus: the surfaces oscillate around the focus."""
TOLERANCE = 1.1
"""Up to this error, relative to that of uniform planes, a period counts as reliable."""
_NO_ERROR = 1e-9  # in intensity scales
_DRAWN_PERIODS_PX = (4, 16, 64, 100, 256)


class PeriodPoint(Record):
    """Surfaces of one period.

    Attributes
    ----------
    period_px, period_um
        Lateral period.
    stacks
        How many were measured.
    relative_error
        RMSE of the refocused surface over that of the same surface put together from refocused
        planes, in which the DPM does not vary; the median of the stacks.
    surface_correlation, planes_correlation
        With the ground truth, of the refocused surface and of that put together from planes.
    surface_rmse, planes_rmse
        The same errors by themselves, in units of the intensity scale.
    fundamental, second, third
        Amplitudes of the artifact at the frequency of the DPM and at its harmonics, in units of the
        intensity scale; None beyond the highest frequency of the pixels.
    """

    period_px: int
    period_um: float
    stacks: int
    relative_error: float
    surface_correlation: float
    planes_correlation: float
    surface_rmse: float
    planes_rmse: float
    fundamental: float | None
    second: float | None
    third: float | None


class SinusoidResult(Result):
    """Accuracy and artifacts against the period of the surface.

    Attributes
    ----------
    lowest_um, highest_um
        The surfaces oscillate between them.
    points
        One for each period, ascending.
    frequencies_per_um
        Of the spectra.
    spectra
        Power of the artifacts along x, one spectrum for each period.
    """

    lowest_um: float
    highest_um: float
    points: tuple[PeriodPoint, ...]
    frequencies_per_um: tuple[float, ...]
    spectra: tuple[tuple[float, ...], ...]

    def rows(self) -> Sequence[PeriodPoint]:
        """Return a row for each period, ascending."""
        return self.points

    def findings(self) -> tuple[Finding, ...]:
        """Return the shortest reliable period, and error and artifacts beside the paper's limit."""
        limit = min(self.points, key=lambda point: abs(point.period_um - SHORTEST_PERIOD_UM))
        worst = max(self.points, key=lambda point: point.relative_error)
        strongest = max(self.points, key=lambda point: point.fundamental or 0)
        periods = (
            Finding(
                quantity=f"shortest reliable period, px (error up to {TOLERANCE:g} times that of "
                "uniform planes)",
                paper=f"> {100:g}",
                ours=self._shortest(),
            ),
            *map(_error_at, dict.fromkeys((worst, limit))),
        )
        return periods + tuple(map(_modulation_at, dict.fromkeys((strongest, limit))))

    def _shortest(self) -> str:
        bad = [i for i, point in enumerate(self.points) if point.relative_error > TOLERANCE]
        if not bad:
            return f"all, from {self.points[0].period_px}"
        if bad[-1] + 1 == len(self.points):
            return "none"
        return str(self.points[bad[-1] + 1].period_px)


def _error_at(point: PeriodPoint) -> Finding:
    return Finding(
        quantity=f"error at {point.period_px} px over that of uniform planes",
        paper=UNPRINTED,
        ours=f"{point.relative_error:.2f}",
    )


def _modulation_at(point: PeriodPoint) -> Finding:
    amplitudes = (point.fundamental, point.second, point.third)
    return Finding(
        quantity=f"modulation at {point.period_px} px and two harmonics, % of the intensity scale",
        paper="visible" if point.period_um < SHORTEST_PERIOD_UM else "none",
        ours=", ".join("–" if each is None else f"{100 * each:.2f}" for each in amplitudes),
    )


def run(subject: Subject) -> SinusoidResult:
    """Refocus planes onto sinusoidal surfaces of several periods (Supplementary Fig. S7).

    The paper's surfaces have periods of "1, 2, ..., 256 pixels along the x-direction" and go from
    -1 to -9 µm; its ground truth is interpolated in a stack with steps of 0.5 µm. Where the input
    plane lies, and what counts as reliable, is not printed. Here the input lies half of the
    half-range above focus, and a surface counts as reliable that is hardly worse than the same
    surface put together from uniform planes. What lies between the two is the artifact of the DPM's
    variation, whose spectrum is taken. A period of 1 px, sampled at the pixels, is a plane.
    """
    half_range = subject.system.z_range_um
    periods = QUICK_PERIODS_PX if subject.quick else PERIODS_PX
    measured: dict[int, list[_Surface]] = {period: [] for period in periods}
    for planes in subject.stacks():
        source = _input(planes, half_range)
        levels = _levels(planes, half_range)
        flat = refocus_image(subject.model, planes.camera[source], list(map(float, levels)))
        for done, period in enumerate(periods, 1):
            dpm = Sinusoid(period, LOWEST * half_range, HIGHEST * half_range).dpm(
                planes.camera.shape[1:], planes.pixel_size_um
            )
            truth_at = (planes.z_um[source] - planes.z_um[0] + dpm) / planes.step_um
            images = (
                refocus_image(subject.model, planes.camera[source], dpm),
                image_on_surface(flat, (dpm - levels[0]) / planes.step_um),
                image_on_surface(planes.ground_truth, truth_at),
            )
            measured[period].append(_Surface(period, *map(planes.normalized, images)))
            subject.progress(f"surfaces in {planes.name}", done, len(periods))
        pixel_size_um = planes.pixel_size_um
        frequencies = np.fft.rfftfreq(planes.camera.shape[2], pixel_size_um)
    return SinusoidResult(
        lowest_um=LOWEST * half_range,
        highest_um=HIGHEST * half_range,
        points=tuple(_point(measured[period], pixel_size_um) for period in periods),
        frequencies_per_um=tuple(map(float, frequencies)),
        spectra=tuple(
            tuple(np.mean([surface.spectrum() for surface in measured[period]], axis=0).tolist())
            for period in periods
        ),
    )


def _input(planes: Planes, half_range_um: float) -> int:
    """Return the plane that goes in.

    Raises
    ------
    DeepZError
        If the surfaces would leave the stack.
    """
    source = planes.nearest(INPUT * half_range_um)
    lowest_um = float(planes.z_um[source]) + LOWEST * half_range_um
    if lowest_um < planes.z_um[0] - planes.step_um / 2:
        raise DeepZError(
            f"{planes.name} goes from {planes.z_um[0]:+.3g} to {planes.z_um[-1]:+.3g} µm around "
            f"its focus; expected at least {lowest_um:+.3g} to {INPUT * half_range_um:+.3g} µm: "
            "use a deeper stack"
        )
    return source


def _levels(planes: Planes, half_range_um: float) -> NDArray[np.float64]:
    """Return the uniform distances, as far apart as the planes, that span the surfaces."""
    lowest, highest = LOWEST * half_range_um, HIGHEST * half_range_um
    steps = math.ceil((highest - lowest) / planes.step_um - 1e-6)
    return np.asarray(lowest + planes.step_um * np.arange(steps + 1), dtype=np.float64)


class _Surface:
    """One image on a surface: refocused, put together from planes, and its ground truth."""

    def __init__(
        self,
        period_px: int,
        refocused: NDArray[np.float64],
        from_planes: NDArray[np.float64],
        truth: NDArray[np.float64],
    ) -> None:
        self.errors = (rmse(refocused, truth), rmse(from_planes, truth))
        self.correlations = (correlation(refocused, truth), correlation(from_planes, truth))
        self._artifact = refocused - from_planes
        self.period_px = period_px

    def relative_error(self) -> float:
        error, from_planes = self.errors
        return error / max(from_planes, _NO_ERROR)

    def spectrum(self) -> NDArray[np.float64]:
        return power_spectrum(self._artifact)

    def amplitudes(self) -> list[float]:
        return harmonics(self._artifact, self.period_px, 3)


def _point(surfaces: Sequence[_Surface], pixel_size_um: float) -> PeriodPoint:
    period = surfaces[0].period_px
    error, flat_error = np.mean([each.errors for each in surfaces], axis=0)
    surface, flat = np.mean([each.correlations for each in surfaces], axis=0)
    amplitudes = np.mean([each.amplitudes() for each in surfaces], axis=0)
    first, second, third = [None if np.isnan(each) else float(each) for each in amplitudes]
    return PeriodPoint(
        period_px=period,
        period_um=round(period * pixel_size_um, 4),
        stacks=len(surfaces),
        relative_error=float(np.median([each.relative_error() for each in surfaces])),
        surface_correlation=float(surface),
        planes_correlation=float(flat),
        surface_rmse=float(error),
        planes_rmse=float(flat_error),
        fundamental=first,
        second=second,
        third=third,
    )


def plot(result: SinusoidResult) -> Figure:
    """Draw errors against the period, amplitudes of the artifacts, and their spectra."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(12, 3.8), layout="constrained")
    error, modulation, spectrum = figure.subplots(1, 3)
    periods = [point.period_px for point in result.points]
    error.plot(periods, [point.surface_rmse for point in result.points], ".-", label="surface")
    error.plot(periods, [point.planes_rmse for point in result.points], ".-", label="from planes")
    error.set_ylabel("RMSE in intensity scales")
    error.set_ylim(bottom=0)
    for name in ("fundamental", "second", "third"):
        values = [getattr(point, name) for point in result.points]
        percent = [np.nan if value is None else 100 * value for value in values]
        modulation.plot(periods, percent, ".-", label=name)
    modulation.set_ylabel("modulation in % of the scale")
    limit = SHORTEST_PERIOD_UM / result.points[0].period_um * result.points[0].period_px
    for axis in (error, modulation):
        axis.axvline(limit, color="C3", linestyle=":", label="the paper's limit")
        axis.set_xscale("log", base=2)
        axis.set_xlabel("period in px")
        axis.legend(fontsize=8)
    for point, power in zip(result.points, result.spectra, strict=True):
        if point.period_px in _DRAWN_PERIODS_PX:
            (line,) = spectrum.semilogy(
                result.frequencies_per_um[1:], power[1:], label=f"{point.period_px} px"
            )
            spectrum.axvline(1 / point.period_um, color=line.get_color(), linestyle=":")
    spectrum.set_xlabel("frequency along x in 1/µm (dotted: of the DPM)")
    spectrum.set_ylabel("power of the artifact")
    spectrum.legend(fontsize=8)
    for axis in figure.axes:
        axis.grid(alpha=0.3)
    return figure
