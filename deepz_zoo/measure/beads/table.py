"""Measured beads as CSV: a row for each, also for those that were left out."""

from __future__ import annotations

import os

from deepz_zoo import files
from deepz_zoo.records.beads import BeadReport, BeadTable, MeasuredBead

_FIELDS = tuple(MeasuredBead.model_fields)
COLUMNS = ("file", "image", "found_in", "threshold", *_FIELDS[:3], "y_um", "x_um", *_FIELDS[3:])


def write_table(path: str | os.PathLike[str], report: BeadReport) -> None:
    """Write all beads of a report; lengths are in µm, intensities in grey levels."""
    rows = (_row(table, bead) for table in report.tables for bead in table.beads)
    files.write_table(path, COLUMNS, rows)


def _row(table: BeadTable, bead: MeasuredBead) -> list[object]:
    values: dict[str, object] = {
        "file": table.file,
        "image": table.image,
        "found_in": table.found_in or table.image,
        "threshold": table.threshold,
        "y_um": bead.y_px * table.pixel_size_um,
        "x_um": bead.x_px * table.pixel_size_um,
        **bead.model_dump(),
    }
    return [values[name] for name in COLUMNS]
