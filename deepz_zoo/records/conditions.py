"""The conditions under which a model is taken out of what it was trained on."""

from __future__ import annotations

from typing import Literal, get_args

Condition = Literal["distance", "signal", "density", "spherical_aberration", "pixel_size"]
CONDITIONS: tuple[Condition, ...] = get_args(Condition)

LOGARITHMIC: frozenset[Condition] = frozenset({"signal", "density"})
"""Conditions that span decades: interpolated and plotted in their logarithm."""
