"""Histograms of the widths of beads, as in Figs. 1b,c and 4e,f,k,l of the paper."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from matplotlib.figure import Figure

from deepz_zoo.measure.beads.labels import describe, summary
from deepz_zoo.records.beads import WIDTHS, BeadReport, BeadStatistics, BeadTable, WidthName

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_BINS = 40
_SHOWN = 0.98
"""The axis ends above this fraction of the widths; wider ones count in the last bin."""


def plot_widths(report: BeadReport) -> Figure:
    """Return a panel for each width, with a histogram and the median of each image."""
    widths = [width for width in WIDTHS if BeadStatistics.of(report.tables, width).beads]
    figure = Figure(figsize=(5.2 * len(widths), 4.2), layout="constrained")
    if report.model is not None:
        figure.suptitle(f"refocused by {report.model}", fontsize=10)
    for axis, width in zip(figure.subplots(1, len(widths), squeeze=False)[0], widths, strict=True):
        _draw(axis, report, width)
    return figure


def _draw(axis: Axes, report: BeadReport, width: WidthName) -> None:
    values = _values(report.tables, width)
    last = float(np.quantile(values, _SHOWN)) * 1.1
    edges = np.linspace(0, last, _BINS + 1)
    for color, (image, found_in) in enumerate(report.images):
        tables = report.tables_of(image, found_in)
        statistics = BeadStatistics.of(tables, width)
        if statistics.median_um is None:
            continue
        shown = np.minimum(_values(tables, width), last)
        axis.hist(
            shown,
            edges.tolist(),
            histtype="stepfilled",
            facecolor=(f"C{color}", 0.25),
            edgecolor=f"C{color}",
            label=f"{describe(image, found_in)}\n{summary(tables, statistics)}",
        )
        axis.axvline(min(statistics.median_um, last), color=f"C{color}", linestyle="--")
    axis.set_xlim(0, last)
    axis.set_xlabel(f"{width} FWHM in µm; wider ones are in the last bin")
    axis.set_ylabel("beads")
    axis.legend(fontsize=7, loc="lower left", bbox_to_anchor=(0, 1), frameon=False)


def _values(tables: tuple[BeadTable, ...], width: WidthName) -> np.ndarray:
    found = (bead.fwhm_um(width) for table in tables for bead in table.used)
    return np.array([value for value in found if value is not None])
