"""Measured beads as CSV: a row for each, also for those that were left out."""

from __future__ import annotations

import csv
import os
from typing import Any

from deepz_zoo.files import replacing
from deepz_zoo.records.beads import BeadReport, BeadTable, MeasuredBead

_FIELDS = tuple(MeasuredBead.model_fields)
COLUMNS = ("file", "image", "found_in", "threshold", *_FIELDS[:3], "y_um", "x_um", *_FIELDS[3:])


def write_table(path: str | os.PathLike[str], report: BeadReport) -> None:
    """Write all beads of a report; lengths are in µm, intensities in grey levels."""
    with replacing(path) as temporary, temporary.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, COLUMNS, lineterminator="\n")
        writer.writeheader()
        writer.writerows(_row(table, bead) for table in report.tables for bead in table.beads)


def _row(table: BeadTable, bead: MeasuredBead) -> dict[str, str]:
    values: dict[str, Any] = {
        "file": table.file,
        "image": table.image,
        "found_in": table.found_in or table.image,
        "threshold": table.threshold,
        "y_um": bead.y_px * table.pixel_size_um,
        "x_um": bead.x_px * table.pixel_size_um,
        **bead.model_dump(),
    }
    return {name: _text(value) for name, value in values.items()}


def _text(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    return f"{value:.6g}" if isinstance(value, float) else str(value)
