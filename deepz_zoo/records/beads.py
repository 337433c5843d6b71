"""Measured beads: a row for each, a table for each image, and all tables of one run."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Literal

import numpy as np

from deepz_zoo.files import Record

WidthName = Literal["lateral", "axial"]
WIDTHS: tuple[WidthName, ...] = ("lateral", "axial")


class MeasuredBead(Record):
    """One component above the threshold, and what was measured of it.

    Attributes
    ----------
    bead
        Number of the component from 1. Images that are compared have the same numbers.
    y_px, x_px
        Center of the fitted Gaussian, or the component's centroid where nothing was fitted; 0 is
        the center of the first pixel.
    z_um
        Center of the Gaussian of the x–z slice in µm from the first plane; without a slice, the
        plane in which the bead is brightest; None for single images.
    fwhm_y_um, fwhm_x_um
        The two widths of the lateral Gaussian (Eq. 6).
    fwhm_lateral_um
        Their mean (Eq. 7).
    fwhm_z_um
        Of the Gaussian of the x–z slice (Eqs. 8 and 9); None where there is no such fit.
    peak, flux
        The brightest pixel and the sum of the crop above its background, in grey levels.
    background
        Median of the outermost two rows and columns of the crop.
    r2_lateral, r2_axial
        Fraction of the variance that each fit explains.
    clipped_lateral, clipped_axial
        Whether the fit diverged: the width stands at its upper limit.
    left_out
        Why the bead does not count, empty where it does.
    """

    bead: int
    y_px: float
    x_px: float
    z_um: float | None = None
    fwhm_y_um: float | None = None
    fwhm_x_um: float | None = None
    fwhm_lateral_um: float | None = None
    fwhm_z_um: float | None = None
    peak: float | None = None
    flux: float | None = None
    background: float | None = None
    r2_lateral: float | None = None
    r2_axial: float | None = None
    clipped_lateral: bool = False
    clipped_axial: bool = False
    left_out: str = ""

    def fwhm_um(self, width: WidthName) -> float | None:
        """Return one of the widths in µm."""
        return self.fwhm_lateral_um if width == "lateral" else self.fwhm_z_um

    def clipped(self, width: WidthName) -> bool:
        """Tell whether one of the widths stands at its upper limit."""
        return self.clipped_lateral if width == "lateral" else self.clipped_axial


class BeadTable(Record):
    """The beads of one image or stack.

    Attributes
    ----------
    file
        The image file, as it was named.
    image
        What was measured: the file itself, or what a model made of it.
    found_in
        In which image the beads were found, where it is another one; empty otherwise.
    threshold
        The grey level that they exceed there.
    pixel_size_um, z_step_um
        Sampling; no z step for a single image.
    planes
        Number of planes.
    beads
        A row for each.
    """

    file: str
    image: str
    found_in: str = ""
    threshold: float
    pixel_size_um: float
    z_step_um: float | None
    planes: int
    beads: tuple[MeasuredBead, ...]

    @property
    def used(self) -> tuple[MeasuredBead, ...]:
        """The beads that count."""
        return tuple(bead for bead in self.beads if not bead.left_out)

    @property
    def left_out(self) -> dict[str, int]:
        """How many do not, for what, the most frequent first."""
        return dict(Counter(bead.left_out for bead in self.beads if bead.left_out).most_common())


class BeadStatistics(Record):
    """One width of the beads of one or more tables.

    Attributes
    ----------
    beads
        How many beads have the width.
    clipped
        How many of these stand at its upper limit, since their fits diverged. They count in the
        median, which does not depend on the limit while they are less than half.
    median_um, q25_um, q75_um
        Median and quartiles in µm, or None without beads.
    """

    beads: int
    clipped: int
    median_um: float | None
    q25_um: float | None
    q75_um: float | None

    @classmethod
    def of(cls, tables: Sequence[BeadTable], width: WidthName) -> BeadStatistics:
        """Return the statistics of one width over tables."""
        beads = [bead for table in tables for bead in table.used if bead.fwhm_um(width) is not None]
        values = [bead.fwhm_um(width) or 0.0 for bead in beads]
        q25, median, q75 = np.percentile(values, (25, 50, 75)).tolist() if beads else (None,) * 3
        return cls(
            beads=len(beads),
            clipped=sum(bead.clipped(width) for bead in beads),
            median_um=median,
            q25_um=q25,
            q75_um=q75,
        )


class BeadSettings(Record):
    """How beads are found and fitted.

    Attributes
    ----------
    threshold
        The grey level that beads exceed, or None for one that each image gives.
    crop_px
        Side of the square cut around a bead (paper: 30×30 pixels).
    min_distance_px
        Beads with a nearer neighbor are left out. By default three quarters of the side of the
        crop, which then holds no other bead.
    fit_offset
        Whether a constant is fitted beside the Gaussian; the paper's equations have none.
    """

    threshold: float | None = None
    crop_px: int = 30
    min_distance_px: float = 22.5
    fit_offset: bool = False


class BeadReport(Record):
    """All beads of one run.

    Attributes
    ----------
    version
        Version of the definitions.
    code_version
        Of the package.
    settings
        How beads were found and fitted.
    model, weights
        Name of the model that refocused, and the SHA-256 of its weights; None without one.
    tables
        One for each image that was measured.
    """

    version: int = 1
    code_version: str
    settings: BeadSettings
    model: str | None = None
    weights: str | None = None
    tables: tuple[BeadTable, ...]

    @property
    def images(self) -> tuple[tuple[str, str], ...]:
        """What was measured, and in which image its beads were found, each pair once."""
        return tuple(dict.fromkeys((table.image, table.found_in) for table in self.tables))

    def tables_of(self, image: str, found_in: str) -> tuple[BeadTable, ...]:
        """Return the tables of one of `images`, of all files."""
        return tuple(t for t in self.tables if (t.image, t.found_in) == (image, found_in))
