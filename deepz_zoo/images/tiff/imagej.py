"""What ImageJ states of the calibration of a TIFF file, in its description."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from deepz_zoo.images.units import in_micrometers, in_seconds, positive


def imagej_calibration(metadata: Mapping[str, Any]) -> dict[str, Any]:
    """Return keywords of `Image`, all but the pixel size.

    ImageJ counts the z origin in slices: z = (slice - zorigin) × spacing. Like ImageJ, which drops
    the sign of a negative spacing (``Opener.decodeDescriptionString``), this takes its size.
    """
    unit = str(metadata.get("unit", ""))
    step = in_micrometers(
        abs(_number(metadata.get("spacing"))), str(metadata.get("zunit", "") or unit)
    )
    step = positive(step)
    origin = -_number(metadata.get("zorigin", 0.0)) * (step or 0.0)
    return {
        "z_step_um": step,
        "z_origin_um": origin + 0.0 if math.isfinite(origin) else 0.0,  # not -0.0
        "frame_interval_s": _frame_interval_s(metadata),
        "colors": _colors(metadata),
    }


def imagej_units(metadata: Mapping[str, Any]) -> tuple[str, str]:
    """Return the units of pixel width and height; ImageJ names that of y where it differs."""
    unit = str(metadata.get("unit", ""))
    return unit, str(metadata.get("yunit", "") or unit)


def _frame_interval_s(metadata: Mapping[str, Any]) -> float | None:
    interval = positive(metadata.get("finterval"))
    if interval is not None:
        return in_seconds(interval, str(metadata.get("tunit", "") or "s"))
    rate = positive(metadata.get("fps"))
    return None if rate is None else 1 / rate


def _colors(metadata: Mapping[str, Any]) -> tuple[str | None, ...]:
    """Return the brightest color of each channel's lookup table."""
    tables = metadata.get("LUTs")
    if tables is None or metadata.get("mode") not in ("composite", "color"):
        return ()
    return tuple("#{:02x}{:02x}{:02x}".format(*map(int, table[:, -1])) for table in tables)


def _number(value: Any) -> float:
    try:
        return math.nan if value is None else float(value)
    except (TypeError, ValueError):
        return math.nan
