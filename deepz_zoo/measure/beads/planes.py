"""Lateral and axial widths of all beads of an image or a stack (Methods, Eqs. 6 to 9).

What the print leaves open is decided here. Beads of a stack are found where they are brightest
along z, and a stack's lateral width is that of the plane in which the bead is brightest. The median
of the outermost two rows and columns of each crop is its background. A fit begins at the
brightest pixel. A width that diverges is clipped to half of the crop, or to half of the depth of
the stack, and marked.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from deepz_zoo.measure.beads.find import bead_threshold, crowded, find_components, plane_noise
from deepz_zoo.measure.beads.gaussian import (
    FWHM_PER_SIGMA,
    MAX_SIGMA_FRACTION,
    GaussianFit,
    fit_gaussian,
)
from deepz_zoo.measure.beads.saturation import saturation_level
from deepz_zoo.measure.beads.single import frame_median
from deepz_zoo.progress import Progress, no_progress
from deepz_zoo.records.beads import BeadSettings, BeadTable, MeasuredBead

if TYPE_CHECKING:
    from numpy.typing import NDArray

MIN_PLANES = 5
"""The axial width is measured in stacks of so many planes."""
NEAR_NEIGHBOR = "near another bead"
AT_EDGE = "at an edge of the image"
OUT_OF_FOCUS = "not in focus within the stack"
SATURATED = "saturated"
NO_FIT = "no fit"
_FOCUS_FRACTION = 0.25
_SATURATED_PX = 2


def measure_planes(
    planes: NDArray[np.generic],
    pixel_size_um: float,
    z_step_um: float | None,
    *,
    file: str,
    image: str,
    settings: BeadSettings,
    beads_of: BeadTable | None = None,
    progress: Progress = no_progress,
) -> BeadTable:
    """Find the beads of an image or a stack, and measure those that can be.

    Parameters
    ----------
    planes
        Grey levels, shape (nz, ny, nx), in increasing stage z; one plane for an image.
    pixel_size_um, z_step_um
        Sampling; no z step for an image.
    file, image
        What the table is called.
    settings
        How to find and to fit.
    beads_of
        A table of another image of the same field of view, whose beads are measured here again, at
        their places: those that count there, with their numbers.
    progress
        Called for each bead.
    """
    if beads_of is None:
        brightest = planes.max(axis=0)
        noise = plane_noise(planes)
        threshold = settings.threshold
        if threshold is None:
            threshold = bead_threshold(brightest, noise)
        candidates = _candidates(brightest, threshold, settings)
    else:
        threshold = beads_of.threshold
        candidates = list(beads_of.used)
    measuring = _Measuring(planes, pixel_size_um, z_step_um, settings)
    rows = []
    for done, candidate in enumerate(candidates, start=1):
        progress(f"Measuring {image}", done, len(candidates))
        rows.append(candidate if candidate.left_out else measuring.measure(candidate))
    return BeadTable(
        file=file,
        image=image,
        found_in="" if beads_of is None else beads_of.image,
        threshold=threshold,
        pixel_size_um=pixel_size_um,
        z_step_um=z_step_um,
        planes=len(planes),
        beads=tuple(rows),
    )


def _candidates(
    brightest: NDArray[np.generic], threshold: float, settings: BeadSettings
) -> list[MeasuredBead]:
    """Return a row for each component, with the reason why it is not measured."""
    centroids, peaks = find_components(brightest, threshold)
    heights = peaks - float(np.median(brightest.astype(np.float64)))
    near = crowded(centroids, heights, settings.min_distance_px)
    half = settings.crop_px / 2
    last = np.array(brightest.shape) - 1
    inside = np.all((centroids >= half) & (centroids <= last - half), axis=1)
    return [
        MeasuredBead(
            bead=number,
            y_px=y,
            x_px=x,
            left_out=NEAR_NEIGHBOR if near[number - 1] else "" if inside[number - 1] else AT_EDGE,
        )
        for number, (y, x) in enumerate(centroids.tolist(), start=1)
    ]


class _Measuring:
    """Fits the crops around beads of one image or stack."""

    def __init__(
        self,
        planes: NDArray[np.generic],
        pixel_size_um: float,
        z_step_um: float | None,
        settings: BeadSettings,
    ) -> None:
        self._planes = planes
        self._pixel_um = pixel_size_um
        self._step_um = z_step_um
        self._settings = settings
        self._limit = saturation_level(planes)

    def measure(self, bead: MeasuredBead) -> MeasuredBead:
        """Return a bead with what is measured at its place."""
        side = self._settings.crop_px
        top, left = (
            min(max(round(at - side / 2), 0), size - side)
            for at, size in zip((bead.y_px, bead.x_px), self._planes.shape[1:], strict=True)
        )
        crops = self._planes[:, top : top + side, left : left + side].astype(np.float64)
        focus, start = _brightest(crops, (bead.y_px - top, bead.x_px - left))
        crop = crops[focus]
        background = frame_median(crop)
        row = MeasuredBead(
            bead=bead.bead,
            y_px=bead.y_px,
            x_px=bead.x_px,
            z_um=None if self._step_um is None else focus * self._step_um,
            peak=float(crop[start]) - background,
            flux=float(np.sum(crop - background)),
            background=background,
        )
        if len(crops) > 1 and focus in (0, len(crops) - 1):
            return row.model_copy(update={"left_out": OUT_OF_FOCUS})
        if np.count_nonzero(crop >= self._limit) >= _SATURATED_PX:
            return row.model_copy(update={"left_out": SATURATED})
        fit = fit_gaussian(crop - background, start, fit_offset=self._settings.fit_offset)
        if fit is None or fit.too_narrow:
            return row.model_copy(update={"left_out": NO_FIT})
        found = self._lateral(fit) | {"y_px": top + fit.center[0], "x_px": left + fit.center[1]}
        return row.model_copy(update=found | self._axial(crops, focus, fit.center))

    def _lateral(self, fit: GaussianFit) -> dict[str, object]:
        """Return the lateral widths, Eqs. (6) and (7)."""
        fwhm_um = [FWHM_PER_SIGMA * sigma * self._pixel_um for sigma in fit.sigma]
        return {
            "fwhm_y_um": fwhm_um[0],
            "fwhm_x_um": fwhm_um[1],
            "fwhm_lateral_um": sum(fwhm_um) / 2,
            "r2_lateral": fit.r_squared,
            "clipped_lateral": any(fit.diverged),
        }

    def _axial(
        self, crops: NDArray[np.float64], focus: int, center: tuple[float, float]
    ) -> dict[str, object]:
        """Return the axial width, Eqs. (8) and (9), from the slice at y = y_c."""
        if self._step_um is None or len(crops) < MIN_PLANES:
            return {}
        nz, ny, nx = crops.shape
        section = crops[:, min(max(round(center[0]), 0), ny - 1)]
        fit = fit_gaussian(
            section - frame_median(section),
            (float(focus), min(max(center[1], 0.0), nx - 1.0)),
            fit_offset=self._settings.fit_offset,
            widest=(MAX_SIGMA_FRACTION * nz, MAX_SIGMA_FRACTION * nx),
        )
        if fit is None or fit.too_narrow:
            return {}
        return {
            "z_um": fit.center[0] * self._step_um,
            "fwhm_z_um": FWHM_PER_SIGMA * fit.sigma[0] * self._step_um,
            "r2_axial": fit.r_squared,
            "clipped_axial": fit.diverged[0],
        }


def _brightest(
    crops: NDArray[np.float64], center: tuple[float, float]
) -> tuple[int, tuple[int, int]]:
    """Return the plane and the pixel in which a bead is brightest, in the middle of its crops."""
    side = crops.shape[1]
    radius = max(round(_FOCUS_FRACTION * side), 1)
    top, left = (min(max(round(at) - radius, 0), side - 1) for at in center)
    middle = crops[:, top : top + 2 * radius + 1, left : left + 2 * radius + 1]
    z, y, x = np.unravel_index(int(middle.argmax()), middle.shape)
    return int(z), (top + int(y), left + int(x))
