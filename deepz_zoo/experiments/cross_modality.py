"""Fig. 5: one wide-field image as confocal planes, by a model of Deep-Z+."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from deepz_zoo.errors import DeepZError
from deepz_zoo.experiments.axial_width import axial_widths, bright_places
from deepz_zoo.experiments.drawing import draw_image
from deepz_zoo.experiments.result import UNPRINTED, Finding, Result
from deepz_zoo.files import Record
from deepz_zoo.records.accuracy import ImageMetrics

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from deepz_zoo.experiments.planes import Planes
    from deepz_zoo.experiments.subject import Subject

SPECIMENS = ("microtubules",)
"""As in the paper's cells."""
INSTRUMENTS = 3
PLACES = 100
"""Where axial widths are measured in each stack."""
SHOWN = (-1 / 3, 1 / 3)
"""Planes in the figure, in half-ranges: near the paper's -0.46 and 0.34 µm."""
SHOWN_PX = 128
"""Side of the images in the figure: sections of more would be too thin to be seen."""
MODALITIES = ("wide field", "Deep-Z+", "confocal")


class HeightRow(Record):
    """One height: three images against the confocal one there.

    Attributes
    ----------
    dz_um
        From the input plane.
    images
        How many were measured.
    refocused
        Metrics of the one image that went in, refocused.
    wide_field
        Metrics of the wide-field image taken at that height.
    input
        Metrics of the image that went in as it is.
    """

    dz_um: float
    images: int
    refocused: ImageMetrics
    wide_field: ImageMetrics
    input: ImageMetrics


class AxialWidth(Record):
    """The median extent of fibers along z in one modality, at half of their height in µm."""

    modality: str
    places: int
    width_um: float


class CrossModalityResult(Result):
    """One wide-field image refocused to confocal planes.

    Attributes
    ----------
    heights
        Metrics at each height, ascending.
    widths
        Of the three stacks.
    volumes
        Wide-field scan, refocused image and confocal scan of the first instrument, in units of the
        confocal stack's intensity scale, shape (3, nz, ny, nx). Not written down.
    """

    pixel_size_um: float
    z_step_um: float
    heights: tuple[HeightRow, ...]
    widths: tuple[AxialWidth, ...]
    volumes: NDArray[np.float64] = Field(exclude=True, repr=False)

    def rows(self) -> Sequence[HeightRow]:
        """Return a row for each height."""
        return self.heights

    def findings(self) -> tuple[Finding, ...]:
        """Return how near the modalities come to the confocal scan, and how thick fibers are."""
        widths = {width.modality: f"{width.width_um:.2f}" for width in self.widths}
        refocused, wide_field, given = (
            ImageMetrics.mean_of([getattr(row, name) for row in self.heights])
            for name in ("refocused", "wide_field", "input")
        )
        return (
            Finding(
                quantity="correlation with the confocal planes: Deep-Z+ (wide-field scan, input)",
                paper="very good match",
                ours=f"{refocused.correlation:.3f} "
                f"({wide_field.correlation:.3f}, {given.correlation:.3f})",
            ),
            Finding(
                quantity="RMSE: Deep-Z+ (wide-field scan, input)",
                paper=UNPRINTED,
                ours=f"{refocused.rmse:.3f} ({wide_field.rmse:.3f}, {given.rmse:.3f})",
            ),
            Finding(
                quantity="SSIM: Deep-Z+ (wide-field scan, input)",
                paper=UNPRINTED,
                ours=f"{refocused.ssim:.3f} ({wide_field.ssim:.3f}, {given.ssim:.3f})",
            ),
            Finding(
                quantity="axial width of fibers, µm: Deep-Z+ (wide-field scan, confocal)",
                paper="sharper than wide field",
                ours=f"{widths['Deep-Z+']} ({widths['wide field']}, {widths['confocal']})",
            ),
        )


def run(subject: Subject) -> CrossModalityResult:
    """Refocus one wide-field image to all planes of a confocal stack (Fig. 5).

    The paper shows microtubules through a 63×/1.4 lens, x–y images at 0.34 and -0.46 µm and x–z and
    y–z sections; it prints no metrics. The image that goes in is the middle plane of a simulated
    stack. The scans are aligned: what Supplementary Fig. S9 does to acquired ones is not needed.

    Raises
    ------
    DeepZError
        If the model was not trained on confocal planes.
    """
    if subject.system.confocal is None:
        raise DeepZError(
            f"a model of {subject.system.name}, which makes wide-field images; expected one that "
            "makes confocal planes (Deep-Z+), such as leica63x_1.4/FITC"
        )
    measured: dict[float, list[tuple[ImageMetrics, ...]]] = defaultdict(list)
    widths: dict[str, list[float]] = {modality: [] for modality in MODALITIES}
    shown: NDArray[np.float64] | None = None
    instruments = 1 if subject.quick else INSTRUMENTS
    for index in range(instruments):
        (planes,) = replace(subject, seed=subject.seed + index).stacks(SPECIMENS)
        volumes = _volumes(subject, planes, measured)
        places = bright_places(volumes[-1], PLACES)
        for modality, volume in zip(MODALITIES, volumes, strict=True):
            widths[modality].extend(axial_widths(volume, places, planes.step_um))
        shown = volumes if shown is None else shown
        subject.progress("simulated stacks", index + 1, instruments)
    assert shown is not None
    return CrossModalityResult(
        pixel_size_um=planes.pixel_size_um,
        z_step_um=planes.step_um,
        heights=tuple(_row(dz, measured[dz]) for dz in sorted(measured)),
        widths=tuple(
            AxialWidth(modality=modality, places=len(each), width_um=float(np.median(each)))
            for modality, each in widths.items()
        ),
        volumes=shown,
    )


def _volumes(
    subject: Subject, planes: Planes, measured: dict[float, list[tuple[ImageMetrics, ...]]]
) -> NDArray[np.float64]:
    """Return the stacks of the three modalities, and measure each plane of them."""
    source = planes.nearest(0)
    refocused = []
    for target, z_um in enumerate(planes.z_um):
        image = planes.refocused(subject.model, source, target)
        refocused.append(image)
        images = (image, planes.camera[target], planes.camera[source])
        dz = round(float(z_um - planes.z_um[source]), 6) + 0.0
        measured[dz].append(tuple(planes.metrics(each, target) for each in images))
    stacks = (planes.camera, np.stack(refocused), planes.ground_truth)
    return np.stack([planes.normalized(stack) for stack in stacks])


def _row(dz_um: float, metrics: Sequence[tuple[ImageMetrics, ...]]) -> HeightRow:
    refocused, wide_field, given = (
        ImageMetrics.mean_of(each) for each in zip(*metrics, strict=True)
    )
    return HeightRow(
        dz_um=dz_um,
        images=len(metrics),
        refocused=refocused,
        wide_field=wide_field,
        input=given,
    )


def plot(result: CrossModalityResult) -> Figure:
    """Draw x–y images at two heights, and x–z and y–z sections, of the three modalities."""
    from matplotlib.figure import Figure

    volumes = _window(result.volumes)
    _, planes, side, _ = volumes.shape
    middle = planes // 2
    shown = [middle + round(fraction * middle) for fraction in SHOWN]
    y, x = _section(volumes[-1])
    depth = planes * result.z_step_um / (side * result.pixel_size_um)
    figure = Figure(figsize=(9, 7.6 + 6 * depth), layout="constrained")
    grid = figure.subplots(4, 3, height_ratios=(1, 1, max(depth, 0.12), max(depth, 0.12)))
    top = float(np.quantile(volumes[-1], 0.999))
    for volume, axes, modality in zip(volumes, grid.T, MODALITIES, strict=True):
        images = (*(volume[z] for z in shown), volume[:, y], volume[:, :, x])
        for axis, image, row_um in zip(
            axes, images, (None, None, result.z_step_um, result.z_step_um), strict=True
        ):
            draw_image(axis, image, result.pixel_size_um, top=top, row_um=row_um)
        for axis in axes[:2]:
            axis.axhline(y * result.pixel_size_um, color="C3", linewidth=0.5)
            axis.axvline(x * result.pixel_size_um, color="C0", linewidth=0.5)
        axes[0].set_title(modality, fontsize=9)
        axes[2].set_xlabel("x in µm", fontsize=7)
        axes[3].set_xlabel("y in µm", fontsize=7)
    heights = [f"Δz {(z - middle) * result.z_step_um:+.2g} µm" for z in shown]
    for axis, label in zip(grid[:, 0], (*heights, "x–z", "y–z"), strict=True):
        axis.set_ylabel(f"{label}\n{'y' if label in heights else 'z'} in µm", fontsize=7)
    return figure


def _window(volumes: NDArray[np.float64]) -> NDArray[np.float64]:
    """Cut out a square around the place that shows most, as far as the images go."""
    rows, columns = (
        slice(start, start + SHOWN_PX)
        for center, size in zip(_section(volumes[-1]), volumes.shape[2:], strict=True)
        for start in [max(0, min(center - SHOWN_PX // 2, size - SHOWN_PX))]
    )
    return volumes[:, :, rows, columns]


def _section(confocal: NDArray[np.float64]) -> tuple[int, int]:
    """Return the row and the column that show most."""
    brightest = confocal.max(axis=0)
    return int(brightest.std(axis=1).argmax()), int(brightest.std(axis=0).argmax())
