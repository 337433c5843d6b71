"""Fig. S18: the light that a point of the specimen takes in a scan and in one image."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

from deepz_zoo.experiments.result import UNPRINTED, Finding, Result
from deepz_zoo.files import Record

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from deepz_zoo.experiments.subject import Subject

BLEACHED = 0.01
"""Fraction of the fluorescence lost in one exposure, as an example."""
DEPTH = 4.0
"""Depth of the deepest scan in half-ranges: from minus to plus twice the range, as the paper's."""
FORMULA = (
    "D_scan / D_images = N_z / M, since a wide-field image of any plane illuminates the whole "
    "thickness: D_scan = N_z I t, D_images = M I t; M = 1 within the axial range of the model"
)
"""Of the exposure D of a point: I irradiance, t exposure time, N_z planes, M images."""


class ScanRow(Record):
    """A scan of a number of planes, and the images that a model needs in its place.

    Attributes
    ----------
    planes
        N_z, the exposures of the scan.
    depth_um
        From its first to its last plane.
    images
        M, the images whose ranges span that depth.
    factor
        Exposure of a point in the scan over that in those images.
    left_by_scan, left_by_images
        Fraction of the fluorescence left afterwards, if an exposure bleaches `BLEACHED`.
    """

    planes: int
    depth_um: float
    images: int
    factor: float
    left_by_scan: float
    left_by_images: float


class PhotodamageResult(Result):
    """Exposure against the number of planes.

    Attributes
    ----------
    formula
        Of the factor, in a line.
    range_planes
        Planes of a scan over the axial range of the model.
    bleached
        Fraction of the fluorescence that an exposure bleaches, as an example.
    scans
        From one plane on.
    """

    formula: str
    range_planes: int
    bleached: float
    scans: tuple[ScanRow, ...]

    def rows(self) -> Sequence[ScanRow]:
        """Return a row for each number of planes."""
        return self.scans

    def findings(self) -> tuple[Finding, ...]:
        """Return the factor over the range of the model, and for the deepest scan."""
        found = []
        for scan in (self.scans[self.range_planes - 1], self.scans[-1]):
            found.append(
                Finding(
                    quantity=f"exposure, scan of {scan.planes} planes over {scan.images} image(s)",
                    paper=f"N = {scan.planes}" if scan.images == 1 else UNPRINTED,
                    ours=f"{scan.factor:g}",
                )
            )
        scan = self.scans[self.range_planes - 1]
        left = Finding(
            quantity=f"fluorescence left by {scan.planes} planes, by one image "
            f"({self.bleached:.0%} lost in each)",
            paper=UNPRINTED,
            ours=f"{scan.left_by_scan:.1%}, {scan.left_by_images:.1%}",
        )
        return (*found, left)


def scan_row(planes: int, *, z_step_um: float, half_range_um: float) -> ScanRow:
    """Return the exposure of a point in a scan, and in the images that replace it.

    Parameters
    ----------
    planes
        Of the scan, at least one.
    z_step_um
        Their distance.
    half_range_um
        An image is refocused from minus to plus this.
    """
    depth_um = (planes - 1) * z_step_um
    images = max(1, math.ceil(depth_um / (2 * half_range_um) - 1e-6))
    return ScanRow(
        planes=planes,
        depth_um=round(depth_um, 6),
        images=images,
        factor=planes / images,
        left_by_scan=(1 - BLEACHED) ** planes,
        left_by_images=(1 - BLEACHED) ** images,
    )


def run(subject: Subject) -> PhotodamageResult:
    """Count the exposures of a point (Supplementary Fig. S18; Discussion).

    "The illumination excites the fluorophores through the entire thickness of the specimen, and the
    total light exposure of a given point within the sample volume is proportional to the number of
    imaging planes (N_z)"; Deep-Z takes one image "if its axial training range covers the sample
    depth". Beyond that range, one image is taken for each range. Nothing is simulated: exposure is
    taken as proportional to damage, and what an exposure bleaches is an example.
    """
    step, half_range = subject.system.z_step_um, subject.system.z_range_um
    farthest = round(DEPTH * half_range / step) + 1
    return PhotodamageResult(
        formula=FORMULA,
        range_planes=round(2 * half_range / step) + 1,
        bleached=BLEACHED,
        scans=tuple(
            scan_row(planes, z_step_um=step, half_range_um=half_range)
            for planes in range(1, farthest + 1)
        ),
    )


def plot(result: PhotodamageResult) -> Figure:
    """Draw exposure and fluorescence left against the number of planes."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(9, 3.8), layout="constrained")
    exposure, left = figure.subplots(1, 2)
    planes = [scan.planes for scan in result.scans]
    exposure.plot(planes, planes, label="scan: $D = N_z\\,I\\,t$")
    exposure.plot(
        planes, [scan.images for scan in result.scans], label="refocused: $D = M\\,I\\,t$"
    )
    exposure.set_ylabel("exposure of a point in $I\\,t$")
    left.plot(planes, [scan.left_by_scan for scan in result.scans], label="scan")
    left.plot(planes, [scan.left_by_images for scan in result.scans], label="refocused")
    left.set_ylim(0, 1.02)
    left.set_ylabel(f"fluorescence left, {result.bleached:.0%} lost each")
    for axis in (exposure, left):
        axis.axvline(result.range_planes, color="C3", linestyle=":", label="range of the model")
        axis.set_xlabel("planes $N_z$")
        axis.legend(fontsize=8)
        axis.grid(alpha=0.3)
    return figure
