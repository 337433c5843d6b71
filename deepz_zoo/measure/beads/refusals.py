"""Images without beads that can be measured, and why."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from deepz_zoo.errors import DeepZError
from deepz_zoo.measure.beads.find import MIN_SIGNAL_TO_NOISE
from deepz_zoo.records.beads import BeadTable


def without_beads(tables: Sequence[BeadTable]) -> str | None:
    """Return a line that says why the tables of one or more files hold no bead, or None.

    Parameters
    ----------
    tables
        All tables of these files.
    """
    if any(table.used for table in tables):
        return None
    names = ", ".join(dict.fromkeys(table.file for table in tables))
    first = [table for table in tables if table.image == tables[0].image and not table.found_in]
    count = sum(len(table.beads) for table in first)
    threshold = f"{first[0].threshold:.5g}"
    if not count:
        return (
            f"no beads in {names} above {threshold} grey levels; expected bright spots on a dark "
            f"background, at least {MIN_SIGNAL_TO_NOISE:g} times above its noise, or another "
            "`threshold`"
        )
    reasons = sum((Counter(table.left_out) for table in first), Counter[str]())
    listed = ", ".join(f"{number} {reason}" for reason, number in reasons.most_common())
    return (
        f"no bead of {names} can be measured: of {count} above {threshold} grey levels, {listed}; "
        "set `threshold`, `min_distance_px` or `crop_px`, or dilute the beads"
    )


def refuse_without_beads(tables: Sequence[BeadTable]) -> None:
    """Refuse a run in which no image has a bead.

    Raises
    ------
    DeepZError
        One line that says why.
    """
    if (line := without_beads(tables)) is not None:
        raise DeepZError(line)
