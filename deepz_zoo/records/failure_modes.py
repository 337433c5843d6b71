"""Where a model is known to fail, in sentences, with the figures that were measured."""

from __future__ import annotations

from typing import TYPE_CHECKING

from deepz_zoo.records.limits import KEPT

if TYPE_CHECKING:
    from deepz_zoo.optics import ImagingSystem
    from deepz_zoo.records.conditions import Condition
    from deepz_zoo.records.limits import LimitCurve, MeasuredLimits

DEFINITION = (
    f"A model fails where less than {KEPT:.0%} of its correlation at the edge of what it was "
    "trained on is left, or less than its input has."
)

_WRONG_SIGN = -1.0
_WRONG_PIXELS = (0.9, 1.1)


def failure_modes(system: ImagingSystem, limits: MeasuredLimits | None) -> tuple[str, ...]:
    """Return a sentence for each way in which a model fails; see `DEFINITION`.

    Parameters
    ----------
    system
        What the model is for.
    limits
        Its measured curves; without them, or without one, the sentences hold no figures of it.
    """
    reach = system.z_range_um

    def figures(condition: Condition) -> str:
        curve = limits.curve(condition) if limits else None
        return _FIGURES[condition](curve) if curve else ""

    return (
        f"It refocuses from -{reach:g} to +{reach:g} µm; further out it was never trained"
        f"{figures('distance')}.",
        "DPMs that vary laterally over fewer than 100 pixels are unreliable.",
        f"Planes with little signal above their noise come back dim or empty{figures('signal')}.",
        f"Where much lies above and below each other, it is mixed up{figures('density')}.",
        "It learned one sign of spherical aberration: on a microscope or mount with the opposite "
        f"sign it refocuses the wrong way{figures('spherical_aberration')}.",
        f"It was trained with pixels of its own size alone{figures('pixel_size')}.",
    )


def fails_text(curve: LimitCurve, unit: str = "") -> str:
    """Return where a curve fails, as in ``fails below 200 and above 5000``, before the unit."""
    found = [
        f"{side} {value:g}"
        for side, value in zip(("below", "above"), curve.usable(), strict=True)
        if value is not None
    ]
    return f"fails {' and '.join(found)}{unit}" if found else "fails at no measured value"


def _distance(curve: LimitCurve) -> str:
    return f" (it {fails_text(curve, ' µm')}, measured to ±{curve.points[-1].value:g} µm)"


def _signal(curve: LimitCurve) -> str:
    limit, _ = curve.usable()
    if limit is None:
        return f" (measured down to {curve.points[0].value:g} e⁻ in the brightest pixel of a stack)"
    ratio = curve.signal_to_noise_at(limit)
    of_noise = "" if ratio is None else f", a signal of {ratio:g} times the noise"
    return f" (it fails below {limit:g} e⁻ in the brightest pixel of a stack{of_noise})"


def _density(curve: LimitCurve) -> str:
    return f" (it {fails_text(curve, ' beads per 1000 µm²')})"


def _spherical_aberration(curve: LimitCurve) -> str:
    return _correlations(curve, {_WRONG_SIGN: "at the same aberration of the other sign"})


def _pixel_size(curve: LimitCurve) -> str:
    places = {ratio: f"at {ratio:g} times its pixel size" for ratio in _WRONG_PIXELS}
    return _correlations(curve, places)


def _correlations(curve: LimitCurve, places: dict[float, str]) -> str:
    """Return the correlation at the trained value and at others, beside that of the input."""
    points = {point.value: point for point in curve.points}
    texts = [
        f"{points[value].model.correlation:.2f} {place} (its input: "
        f"{points[value].input.correlation:.2f})"
        for value, place in places.items()
        if value in points
    ]
    if not texts:
        return ""
    trained = points[curve.trained[0]].model.correlation
    return f": correlation {trained:.2f} as trained, {', '.join(texts)}"


_FIGURES = {
    "distance": _distance,
    "signal": _signal,
    "density": _density,
    "spherical_aberration": _spherical_aberration,
    "pixel_size": _pixel_size,
}
