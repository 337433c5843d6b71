"""Ratios of beads: from single measurements to the rows of a report."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from deepz_zoo.measure.beads import Bead
from deepz_zoo.records.accuracy import BeadMetrics, Ratio, five_digits


def bead_metrics(measured: Sequence[Bead], true: Sequence[Bead]) -> BeadMetrics | None:
    """Compare beads with the same beads in the ground truth; None when there are none.

    Beads that the ground truth does not show (peak or flux not above the background) are left out.
    """
    pairs = [
        (bead, reference)
        for bead, reference in zip(measured, true, strict=True)
        if reference.peak > 0 and reference.flux > 0
    ]
    if not pairs:
        return None
    widths = [
        bead.fwhm_um / reference.fwhm_um
        for bead, reference in pairs
        if bead.fwhm_um is not None and reference.fwhm_um is not None
    ]
    true_widths = [reference.fwhm_um for _, reference in pairs if reference.fwhm_um is not None]
    return BeadMetrics(
        beads=len(pairs),
        diverged=len(pairs) - len(widths),
        peak=_ratio([bead.peak / reference.peak for bead, reference in pairs]),
        fwhm=_ratio(widths) if widths else None,
        flux=_ratio([bead.flux / reference.flux for bead, reference in pairs]),
        true_fwhm_um=five_digits(float(np.median(true_widths))) if true_widths else None,
    )


def _ratio(values: Sequence[float]) -> Ratio:
    q25, median, q75 = np.percentile(values, (25, 50, 75))
    return Ratio(
        median=five_digits(median),
        mean=five_digits(math.fsum(values) / len(values)),
        q25=five_digits(q25),
        q75=five_digits(q75),
    )
