"""Fig. S3 (and Fig. 2, right): absolute differences from the ground truth."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from deepz_zoo.experiments.comparison import Comparison
from deepz_zoo.experiments.drawing import draw_image
from deepz_zoo.experiments.result import Finding, Result
from deepz_zoo.files import Record
from deepz_zoo.records.accuracy import ImageMetrics

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from deepz_zoo.experiments.planes import Planes
    from deepz_zoo.experiments.subject import Subject

SPECIMEN = "nuclei"
"""Of the simulated stack, in place of the paper's nuclei of neurons."""
TARGETS = (-0.8, -0.4, 0.4, 0.8)
"""Planes that are asked for, in half-ranges from the input plane."""


class DifferenceRow(Record):
    """One plane that was asked for.

    Attributes
    ----------
    dz_um
        Its distance from the input plane.
    model, input
        Metrics of the refocused image and of the input as it is.
    """

    dz_um: float
    model: ImageMetrics
    input: ImageMetrics


class DifferenceResult(Result):
    """Images of several planes and their differences from the ground truth.

    Attributes
    ----------
    specimen
        What the stack shows.
    input_um
        Stage position of the input plane.
    targets
        The planes that were asked for.
    images
        Input, refocused image and ground truth of each of them, in units of the stack's intensity
        scale, shape (targets, 3, ny, nx). Not written down.
    """

    specimen: str
    input_um: float
    pixel_size_um: float
    targets: tuple[DifferenceRow, ...]
    images: NDArray[np.float64] = Field(exclude=True, repr=False)

    def rows(self) -> Sequence[DifferenceRow]:
        """Return a row for each plane that was asked for."""
        return self.targets

    def findings(self) -> tuple[Finding, ...]:
        """Return SSIM and RMSE, means over the planes."""
        ours, given = (
            ImageMetrics.mean_of([getattr(row, method) for row in self.targets])
            for method in ("model", "input")
        )
        return (
            Finding(
                quantity="SSIM of refocused images (of the input)",
                paper="above the input's",
                ours=f"{ours.ssim:.3f} ({given.ssim:.3f})",
            ),
            Finding(
                quantity="RMSE of refocused images (of the input)",
                paper="below the input's",
                ours=f"{ours.rmse:.4f} ({given.rmse:.4f})",
            ),
        )


def run(subject: Subject) -> DifferenceResult:
    """Refocus one plane onto others and subtract the ground truth (Supplementary Fig. S3, Fig. 2).

    The input is the plane in focus of an acquired stack, and the middle one of a simulated stack of
    nuclei. The paper writes SSIM and RMSE beside every difference image; its text holds the
    equations (10, 13) without the numbers. Images are in its normalization.
    """
    (planes,) = subject.stacks((SPECIMEN,))
    source = planes.nearest(0)
    wanted = [fraction * subject.system.z_range_um for fraction in TARGETS]
    targets = sorted({planes.nearest(z) for z in wanted} - {source})
    comparison = Comparison(subject.model)
    images = []
    for done, target in enumerate(targets, 1):
        refocused = comparison.add(target, planes, source, target)
        images.append(_triple(planes, source, refocused, target))
        subject.progress("planes", done, len(targets))
    return DifferenceResult(
        specimen=planes.name,
        input_um=float(planes.z_um[source]),
        pixel_size_um=planes.pixel_size_um,
        targets=tuple(_row(comparison, planes, source, target) for target in targets),
        images=np.stack(images),
    )


def _row(comparison: Comparison, planes: Planes, source: int, target: int) -> DifferenceRow:
    dz = round(float(planes.z_um[target] - planes.z_um[source]), 6)
    point = comparison.point(target, dz)
    return DifferenceRow(dz_um=dz, model=point.model, input=point.input)


def _triple(
    planes: Planes, source: int, refocused: NDArray[np.float32], target: int
) -> NDArray[np.float64]:
    triple = (planes.camera[source], refocused, planes.ground_truth[target])
    return np.stack([planes.normalized(image) for image in triple])


def plot(result: DifferenceResult) -> Figure:
    """Draw images and absolute differences, a row for each plane; white is the intensity scale."""
    from matplotlib.figure import Figure

    columns = ("input", "refocused", "ground truth", "|GT − input|", "|GT − refocused|")
    figure = Figure(figsize=(11, 2.3 * len(result.targets) + 0.6), layout="constrained")
    grid = figure.subplots(len(result.targets), len(columns), squeeze=False)
    for row, (given, refocused, truth), axes in zip(
        result.targets, result.images, grid, strict=True
    ):
        for axis, image in zip(axes, (given, refocused, truth), strict=False):
            draw_image(axis, image, result.pixel_size_um, top=1)
        for axis, image, metrics in (
            (axes[3], given, row.input),
            (axes[4], refocused, row.model),
        ):
            difference = np.abs(truth - image)
            drawn = draw_image(axis, difference, result.pixel_size_um, top=1, cmap="inferno")
            axis.set_title(f"SSIM {metrics.ssim:.3f}, RMSE {metrics.rmse:.3f}", fontsize=7)
        figure.colorbar(drawn, ax=list(axes)).set_label("in intensity scales", fontsize=7)
        axes[0].set_ylabel(f"Δz {row.dz_um:+g} µm\ny in µm", fontsize=7)
    for axis, label in zip(grid[-1], columns, strict=True):
        axis.set_xlabel(f"{label}\nx in µm", fontsize=7)
    return figure
