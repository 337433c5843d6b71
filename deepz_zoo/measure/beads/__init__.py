"""Beads: found, fitted and measured as in the paper's Methods (Eqs. 6 to 9)."""

from __future__ import annotations

from deepz_zoo.measure.beads.find import BEAD_THRESHOLD, detect_beads, isolated
from deepz_zoo.measure.beads.single import PEAK_RADIUS_PX, Bead, diverged, measure_beads

__all__ = [
    "BEAD_THRESHOLD",
    "PEAK_RADIUS_PX",
    "Bead",
    "detect_beads",
    "diverged",
    "isolated",
    "measure_beads",
]
