"""How methods, conditions, limits and ratios are written, wherever they are shown."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from deepz_zoo.records.limits import KEPT

if TYPE_CHECKING:
    from deepz_zoo.records.accuracy import ComparedMethod, Ratio
    from deepz_zoo.records.conditions import Condition

LIMIT_DEFINITION = (
    f"A model fails where less than {KEPT:.0%} of its correlation at the edge of what it was "
    "trained on is left, or less than its input has."
)

METHOD_LABELS: dict[ComparedMethod, str] = {
    "model": "model",
    "other": "other model",
    "blank": "blank image",
    "input": "input as it is",
    "richardson_lucy": "Richardson–Lucy",
}


def method_label(method: ComparedMethod, other: str | None = None) -> str:
    """Return how a method is called; `other` is the name of the second model."""
    return other if method == "other" and other else METHOD_LABELS[method]


@dataclass(frozen=True)
class ConditionLabel:
    """A heading for a condition, and its quantity with the unit."""

    heading: str
    quantity: str


CONDITION_LABELS: dict[Condition, ConditionLabel] = {
    "distance": ConditionLabel("Beyond the trained range", "Δz in µm"),
    "signal": ConditionLabel("Signal", "brightest pixel of the stack in e⁻"),
    "density": ConditionLabel("Density of the specimen", "beads per 1000 µm²"),
    "spherical_aberration": ConditionLabel(
        "Spherical aberration", "spherical aberration / the instrument's own"
    ),
    "pixel_size": ConditionLabel("Wrong pixel size", "true pixel size / the model's"),
}


def ratio_text(ratio: Ratio | None) -> str:
    """Return a ratio as ``median (first quartile–third quartile)``."""
    if ratio is None:
        return "–"
    return f"{ratio.median:.2f} ({ratio.q25:.2f}–{ratio.q75:.2f})"


def interval_text(interval: tuple[float, float]) -> str:
    """Return an interval in words, or its one value."""
    low, high = interval
    return f"{low:g}" if low == high else f"{low:g} to {high:g}"


def fails_text(usable: tuple[float | None, float | None], unit: str = "") -> str:
    """Return where a model fails, as in ``fails below 200 and above 5000``, before the unit.

    Parameters
    ----------
    usable
        The limits, see `LimitCurve.usable`.
    unit
        Follows the last value.
    """
    found = [
        f"{side} {value:g}"
        for side, value in zip(("below", "above"), usable, strict=True)
        if value is not None
    ]
    return f"fails {' and '.join(found)}{unit}" if found else "fails at no measured value"
