"""How tables of beads and their medians are called, in plots and on the terminal."""

from __future__ import annotations

from deepz_zoo.records.beads import BeadStatistics, BeadTable


def describe(image: str, found_in: str) -> str:
    """Return what was measured, for a label."""
    return f"{image}, at the beads of the {found_in}" if found_in else image


def summary(tables: tuple[BeadTable, ...], statistics: BeadStatistics) -> str:
    """Return the median, with the number of beads and the threshold that it depends on."""
    if statistics.median_um is None:
        return "no beads"
    clipped = f", {statistics.clipped} clipped" if statistics.clipped else ""
    return (
        f"median {statistics.median_um:.2f} µm, {count_of_beads(statistics.beads)}{clipped}, "
        f"threshold {thresholds(tables)}"
    )


def count_of_beads(count: int) -> str:
    """Return a number of beads in words."""
    return f"{count} bead{'' if count == 1 else 's'}"


def thresholds(tables: tuple[BeadTable, ...]) -> str:
    """Return the threshold in grey levels, or the range of those of several files."""
    lowest, highest = (f(table.threshold for table in tables) for f in (min, max))
    return f"{lowest:.5g}" if lowest == highest else f"{lowest:.5g} to {highest:.5g}"
