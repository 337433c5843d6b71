"""The same beads in two images: the ratio of their widths, bead by bead."""

from __future__ import annotations

from collections.abc import Iterator

from deepz_zoo.records.beads import BeadReport, WidthName


def width_ratios(report: BeadReport, image: str, found_in: str, width: WidthName) -> list[float]:
    """Return the width of each bead of an image over that in the image in which it was found.

    Parameters
    ----------
    report
        Of one run.
    image, found_in
        One of `BeadReport.images`.
    width
        Which width. Beads that lack it in one of the two images are left out.
    """
    found = dict(_widths(report, found_in, "", width))
    return [
        fwhm_um / found[bead]
        for bead, fwhm_um in _widths(report, image, found_in, width)
        if found.get(bead)
    ]


def _widths(
    report: BeadReport, image: str, found_in: str, width: WidthName
) -> Iterator[tuple[tuple[str, int], float]]:
    """Yield the file and the number of each bead, and its width in µm."""
    for table in report.tables_of(image, found_in):
        for bead in table.used:
            if (fwhm_um := bead.fwhm_um(width)) is not None:
                yield (table.file, bead.bead), fwhm_um
