"""Means of image scores and ratios of beads: from single measurements to the rows of a report."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

import numpy as np

from deepz_zoo.measure.beads import Bead
from deepz_zoo.measure.metrics import ImageScores
from deepz_zoo.records.accuracy import BeadFigures, ImageFigures, Ratio


def mean_figures(scores: Sequence[ImageScores | ImageFigures]) -> dict[str, float]:
    """Return the mean of every criterion, by its name, to five digits."""
    if not scores:
        raise ValueError("a mean needs at least one image")
    names = ImageFigures.model_fields
    return {name: _digits(_mean(getattr(score, name) for score in scores)) for name in names}


def bead_figures(measured: Sequence[Bead], true: Sequence[Bead]) -> BeadFigures | None:
    """Compare beads with the same beads in the true image; None when there are none.

    Beads that the true image does not show (peak or flux not above the background) are left out.
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
    return BeadFigures(
        beads=len(pairs),
        diverged=len(pairs) - len(widths),
        peak=_ratio([bead.peak / reference.peak for bead, reference in pairs]),
        fwhm=_ratio(widths) if widths else None,
        flux=_ratio([bead.flux / reference.flux for bead, reference in pairs]),
        true_fwhm_um=_digits(float(np.median(true_widths))) if true_widths else None,
    )


def _ratio(values: Sequence[float]) -> Ratio:
    q25, median, q75 = np.percentile(values, (25, 50, 75))
    return Ratio(
        median=_digits(median), mean=_digits(_mean(values)), q25=_digits(q25), q75=_digits(q75)
    )


def _mean(values: Iterable[float]) -> float:
    numbers = list(values)
    return math.fsum(numbers) / len(numbers)


def _digits(value: float) -> float:
    """Round to five significant digits: more would be noise in a checked-in file."""
    return float(f"{value:.5g}")
