"""Lengths in µm and times in seconds, whatever unit a file gives them in."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

_MICROMETERS = {
    "m": 1e6,
    "cm": 1e4,
    "mm": 1e3,
    "millimeter": 1e3,
    "µm": 1.0,
    "um": 1.0,
    "micron": 1.0,
    "microns": 1.0,
    "micrometer": 1.0,
    "micrometers": 1.0,
    "micrometre": 1.0,
    "micrometres": 1.0,
    "nm": 1e-3,
    "nanometer": 1e-3,
    "nanometers": 1e-3,
    "å": 1e-4,
    "angstrom": 1e-4,
    "pm": 1e-6,
    "inch": 25400.0,
    "in": 25400.0,
}
_SECONDS = {
    "ns": 1e-9,
    "us": 1e-6,
    "µs": 1e-6,
    "ms": 1e-3,
    "msec": 1e-3,
    "millisecond": 1e-3,
    "milliseconds": 1e-3,
    "s": 1.0,
    "sec": 1.0,
    "second": 1.0,
    "seconds": 1.0,
    "min": 60.0,
    "minute": 60.0,
    "minutes": 60.0,
    "h": 3600.0,
    "hr": 3600.0,
    "hour": 3600.0,
    "hours": 3600.0,
    "d": 86400.0,
    "day": 86400.0,
    "days": 86400.0,
}
# Resolutions of 72 or 300 dpi describe paper and screens; they are no calibration.
_MAX_PIXEL_FROM_DPI_UM = 20.0


def in_micrometers(value: float, unit: str) -> float | None:
    """Convert a length of either sign; None for an unknown unit, NaN and infinity."""
    length = _convert(value, unit, _MICROMETERS)
    from_dpi = unit.strip() in {"inch", "in", "cm"} and (length or 0) > _MAX_PIXEL_FROM_DPI_UM
    return None if from_dpi else length


def in_seconds(value: float, unit: str) -> float | None:
    """Convert a time of either sign; None for an unknown unit, NaN and infinity."""
    return _convert(value, unit, _SECONDS)


def positive(value: Any) -> float | None:
    """Return a number that a file states, None where it is missing or cannot be meant."""
    try:
        number = math.nan if value is None else float(value)
    except (TypeError, ValueError):
        return None
    return number if 0 < number < math.inf else None


def _convert(value: float, unit: str, factors: Mapping[str, float]) -> float | None:
    # ImageJ writes the six characters \u00B5 for µ; Greek mu and the micro sign look alike.
    name = unit.strip().replace("\\u00B5", "µ").replace("\u03bc", "µ").replace("\u212b", "Å")
    factor = factors.get(name.lower())
    if factor is None or not math.isfinite(value):
        return None
    return float(f"{value * factor:.9g}")  # without binary rounding errors
