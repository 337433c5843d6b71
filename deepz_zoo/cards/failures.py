"""Sentences on how a model fails."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from deepz_zoo.cards.labels import fails_text

if TYPE_CHECKING:
    from deepz_zoo.records.failure_modes import FailureCause, FailureMode, MeasuredFailure


def failure_sentences(modes: Sequence[FailureMode]) -> tuple[str, ...]:
    """Return a sentence for each way in which a model fails, with what was measured of it."""
    return tuple(_SENTENCES[mode.cause](mode) for mode in modes)


def _distance(mode: FailureMode) -> str:
    assert mode.trained is not None
    low, high = mode.trained
    measured = mode.measured
    found = measured and f" (it {_fails(measured, ' µm')}, measured to ±{measured.highest:g} µm)"
    return (
        f"It refocuses from {low:g} to {high:+g} µm; further out it was never trained{found or ''}."
    )


def _lateral_variation(mode: FailureMode) -> str:
    return "DPMs that vary laterally over fewer than 100 pixels are unreliable."


def _signal(mode: FailureMode) -> str:
    said = "Planes with little signal above their noise come back dim or empty"
    measured = mode.measured
    if measured is None:
        return f"{said}."
    where = "in the brightest pixel of a stack"
    if measured.fails_below is None:
        return f"{said} (measured down to {measured.lowest:g} e⁻ {where})."
    ratio = measured.signal_to_noise
    of_noise = "" if ratio is None else f", a signal of {ratio:g} times the noise"
    return f"{said} (it fails below {measured.fails_below:g} e⁻ {where}{of_noise})."


def _density(mode: FailureMode) -> str:
    found = mode.measured and f" (it {_fails(mode.measured, ' beads per 1000 µm²')})"
    return f"Where much lies above and below each other, it is mixed up{found or ''}."


def _spherical_aberration(mode: FailureMode) -> str:
    found = _correlations(mode.measured, lambda value: "at the same aberration of the other sign")
    return (
        "It learned one sign of spherical aberration: on a microscope or mount with the opposite "
        f"sign it refocuses the wrong way{found}."
    )


def _pixel_size(mode: FailureMode) -> str:
    found = _correlations(mode.measured, lambda value: f"at {value:g} times its pixel size")
    return f"It was trained with pixels of its own size alone{found}."


def _fails(measured: MeasuredFailure, unit: str) -> str:
    return fails_text((measured.fails_below, measured.fails_above), unit)


def _correlations(measured: MeasuredFailure | None, place: Callable[[float], str]) -> str:
    """Return the correlation as trained and at other values, with that of the input."""
    if measured is None or measured.trained_correlation is None or not measured.points:
        return ""
    texts = [
        f"{point.model:.2f} {place(point.value)} (its input: {point.input:.2f})"
        for point in measured.points
    ]
    return f": correlation {measured.trained_correlation:.2f} as trained, {', '.join(texts)}"


_SENTENCES: dict[FailureCause, Callable[[FailureMode], str]] = {
    "distance": _distance,
    "lateral_variation": _lateral_variation,
    "signal": _signal,
    "density": _density,
    "spherical_aberration": _spherical_aberration,
    "pixel_size": _pixel_size,
}
