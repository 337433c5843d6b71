"""A page that shows how well a measured microscope explains its beads."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
from matplotlib.figure import Figure

from deepz_zoo.calibrate.beads import BeadImages
from deepz_zoo.calibrate.fit import Floats
from deepz_zoo.calibrate.rows import rows
from deepz_zoo.calibrate.run import Calibration
from deepz_zoo.optics.psf import PsfParameters

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import SubFigure

_BEADS = 2
_COLUMNS = 7
_ROWS = ("measured", "modeled", "difference")
_GAMMA = 0.5  # rings are a hundred times dimmer than a bead in focus
_SIGMAS = 5.0


def plot_calibration(calibration: Calibration) -> Figure:
    """Return the page: beads measured and modeled through focus, the pupil, and the table."""
    microscope = calibration.microscope
    strips = _strips(calibration)
    figure = Figure(figsize=(11, 3.2 * len(strips) + 3.6), layout="constrained")
    figure.suptitle(
        f"{microscope.name}: {microscope.beads} beads, correlation {microscope.correlation:.3f}"
    )
    heights = [3.2] * len(strips) + [3.4]
    *parts, last = figure.subfigures(len(heights), 1, height_ratios=heights, squeeze=False)[:, 0]
    for part, strip in zip(parts, strips, strict=True):
        _draw_strip(part, *strip)
    phase, light, table = last.subplots(1, 3, width_ratios=[1, 1, 2.2])
    _draw_pupil(calibration, phase, light)
    _draw_table(calibration, table)
    return figure


Strip = tuple[str, Floats, Floats, Floats, list[str]]
"""Title; measured, modeled and noise (n, side, side); and a label for each column."""


def _strips(calibration: Calibration) -> list[Strip]:
    """Return what each strip of images shows: one bead of a stack, or many beads of a surface."""
    fit = calibration.fit
    modeled = calibration.modeled()
    images = [
        (bead, image, level, float(place[0]))
        for bead, image, level, place in zip(
            fit.beads, modeled, fit.background, fit.places_um, strict=True
        )
    ]
    if calibration.microscope.measured_from == "stacks":
        return [
            (
                f"bead at y {bead.y_px}, x {bead.x_px} px",
                bead.pixels - level,
                image - level,
                _noise(bead, image - level, fit.noise),
                [f"{z - place:+.1f} µm" for z in bead.z_um],
            )
            for bead, image, level, place in images[:_BEADS]
        ]
    images.sort(key=lambda entry: float(entry[0].z_um[0]) - entry[3])
    wanted = np.linspace(0, len(images) - 1, min(len(images), 2 * _COLUMNS)).round().astype(int)
    picked = [images[i] for i in wanted]
    return [
        (
            "beads by their distance from focus",
            np.concatenate([bead.pixels - level for bead, _, level, _ in part]),
            np.concatenate([image - level for _, image, level, _ in part]),
            np.concatenate([_noise(bead, image - lv, fit.noise) for bead, image, lv, _ in part]),
            [f"{float(bead.z_um[0]) - place:+.1f} µm" for bead, _, _, place in part],
        )
        for part in (picked[:_COLUMNS], picked[_COLUMNS:])
        if part
    ]


def _noise(bead: BeadImages, light: Floats, noise: float) -> Floats:
    return np.sqrt(bead.read_variance + noise * light.clip(min=0))


def _draw_strip(
    part: SubFigure, title: str, measured: Floats, modeled: Floats, noise: Floats, labels: list[str]
) -> None:
    part.suptitle(title, fontsize=9)
    grid = part.subplots(len(_ROWS), _COLUMNS, squeeze=False)
    for column in range(_COLUMNS):
        for axis in grid[:, column]:
            axis.set_axis_off()
        if column >= len(labels):
            continue
        top = modeled[column].max()
        pictures = (measured[column], modeled[column])
        for axis, picture in zip(grid[:2, column], pictures, strict=True):
            shown = (picture / top).clip(0, 1) ** _GAMMA
            axis.imshow(shown, cmap="gray", vmin=0, vmax=1)
        difference = (measured[column] - modeled[column]) / noise[column]
        grid[2, column].imshow(difference, cmap="RdBu_r", vmin=-_SIGMAS, vmax=_SIGMAS)
        grid[0, column].set_title(labels[column], fontsize=8)
    for axis, name in zip(grid[:, 0], _ROWS, strict=True):
        axis.text(-0.08, 0.5, name, transform=axis.transAxes, ha="right", va="center", fontsize=8)


def _draw_pupil(calibration: Calibration, phase: Axes, light: Axes) -> None:
    """Draw wavefront and light over the pupil, as seen in the disk of a bead at z > 0."""
    model, lens = calibration.model, calibration.model.system.objective
    settings = PsfParameters.of(
        calibration.microscope.instrument, design_immersion_index=lens.immersion_index
    )
    inside = model.grid.inside.numpy()
    waves = model.wavefront(settings).numpy() / (2 * math.pi)
    gradient = settings.pupil_gradient
    intensity = 1 - gradient[0] * model.grid.y.numpy() - gradient[1] * model.grid.x.numpy()
    for axis, values, title in (
        (phase, waves, "wavefront in waves"),
        (light, intensity.clip(min=0), "light over the pupil"),
    ):
        picture = np.where(inside, values, np.nan)[::-1, ::-1]
        shown = axis.imshow(picture, cmap="viridis")
        axis.set_axis_off()
        axis.set_title(title, fontsize=9)
        axis.figure.colorbar(shown, ax=axis, shrink=0.7)


def _draw_table(calibration: Calibration, axis: Axes) -> None:
    axis.set_axis_off()
    table = axis.table(
        cellText=[[row.name, row.value, row.error, row.range] for row in rows(calibration)],
        colLabels=["", "measured", "±", "the model's range"],
        colWidths=[0.45, 0.19, 0.15, 0.23],
        cellLoc="left",
        loc="center",
        edges="horizontal",
    )
    table.scale(1, 1.4)
    table.auto_set_font_size(False)
    table.set_fontsize(7)
