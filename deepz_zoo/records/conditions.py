"""The conditions under which a model is taken out of what it was trained on."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

Condition = Literal["distance", "signal", "density", "spherical_aberration", "pixel_size"]
CONDITIONS: tuple[Condition, ...] = get_args(Condition)


@dataclass(frozen=True)
class ConditionText:
    """How a condition is written: a heading, its quantity with unit, and the kind of its axis."""

    heading: str
    quantity: str
    logarithmic: bool = False


CONDITION_TEXTS: dict[Condition, ConditionText] = {
    "distance": ConditionText("Beyond the trained range", "Δz in µm"),
    "signal": ConditionText("Signal", "brightest pixel of the stack in e⁻", logarithmic=True),
    "density": ConditionText("Density of the specimen", "beads per 1000 µm²", logarithmic=True),
    "spherical_aberration": ConditionText(
        "Spherical aberration", "spherical aberration / the instrument's own"
    ),
    "pixel_size": ConditionText("Wrong pixel size", "true pixel size / the model's"),
}
