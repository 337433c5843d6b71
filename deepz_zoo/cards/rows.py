"""Records of a training or an import as rows of a table."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from deepz_zoo.records.manifest import ImportRecord
    from deepz_zoo.records.training import TrainingRecord


def training_data_rows(record: TrainingRecord) -> dict[str, str]:
    """Return what a network was trained on."""
    rows = {}
    if record.training_data != "measured":
        rows["specimens"] = ", ".join(record.specimens)
        rows["simulated stacks"] = f"{record.stacks:,}"
    for data in record.datasets:
        target = data.target_modality
        modality = "" if target == "same" else f", targets: {target}"
        rows[f"dataset {data.name}"] = (
            f"{data.stacks:,} stacks, {data.regions:,} regions, {data.pairs:,} pairs"
            f"{modality}; SHA-256 of its manifest {data.sha256[:12]}…"
        )
    if record.start is not None:
        start = record.start
        rows["started from"] = f"{start.weights}, SHA-256 {start.sha256[:12]}…"
    return rows


def import_rows(record: ImportRecord) -> dict[str, str]:
    """Return where imported weights are from."""
    return {
        "trained by": "the method's authors, on z-stacks of their microscopes",
        "imported from": f"{record.folder}, on {record.date}, deepz-zoo {record.code_version}",
        **{f"SHA-256 of {name}": f"`{digest}`" for name, digest in record.sha256.items()},
        "stored as": record.stored_as,
    }
