"""The picture of a package: one camera image, refocused, with the ground truth below."""

from __future__ import annotations

import math
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from deepz_zoo.optics import ImagingSystem
    from deepz_zoo.zoo.examples import Example

# Fractions of the half-range.
DISTANCES = (-0.5, 0.25, 0.5)

_INCHES = (10.0, 5.0)  # 2:1, as bioimage.io asks for
_DPI = 100
_WHITE_PERCENTILE = 99.5  # of the ground truth
_BAR_FRACTION = 0.3  # of a panel's side, at most


def cover_distances(system: ImagingSystem) -> tuple[float, ...]:
    """Return the distances in µm that the cover shows, whole steps of the system's stacks."""
    return tuple(system.whole_steps_um(fraction) for fraction in DISTANCES)


def write_cover(path: Path, example: Example, refocused: Iterable[NDArray[np.float32]]) -> None:
    """Draw the cover: the input and the refocused images, with the ground truth below them.

    All have the same scale, that of the bar in the first.

    Parameters
    ----------
    path
        PNG file.
    example
        Supplies the input and the ground truth.
    refocused
        Output of the model at `cover_distances`, each of shape (ny, nx).
    """
    import matplotlib.style
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    stack = example.stack
    distances = cover_distances(stack.system)
    middle = len(stack.z_um) // 2
    planes = [int(np.argmin(np.abs(stack.z_um - stack.z_um[middle] - dz))) for dz in distances]
    known = [stack.ground_truth[plane] for plane in planes]

    # A user's own settings do not change the picture.
    with matplotlib.style.context("default"):
        figure = Figure(figsize=_INCHES, dpi=_DPI, facecolor="black")
        canvas = FigureCanvasAgg(figure)
        axes = figure.subplots(2, 4)
        figure.subplots_adjust(0.005, 0.01, 0.995, 0.99, wspace=0.02, hspace=0.02)
        _show(axes[0, 0], example.image, example.image, "camera image")
        _draw_scale_bar(axes[0, 0], min(example.image.shape), stack.system.pixel_size_um)
        _show(axes[1, 0], stack.noise_free[middle], example.image, "the same without noise")
        for column, (dz, image, expected) in enumerate(
            zip(distances, refocused, known, strict=True), 1
        ):
            _show(axes[0, column], image, expected, f"refocused {dz:+g} µm")
            _show(axes[1, column], expected, expected, f"ground truth {dz:+g} µm")
        # No library version in the file: two builds give the same picture.
        canvas.print_png(path, metadata={"Software": None})  # type: ignore[no-untyped-call]


def bar_length_um(side_um: float) -> float:
    """Return the longest of 1, 2, 5, 10, 20, 50 … µm that fits into a picture as a scale bar.

    Parameters
    ----------
    side_um
        Side of the picture.

    Examples
    --------
    >>> bar_length_um(83.2)
    20.0
    """
    longest = _BAR_FRACTION * side_um
    decade = 10.0 ** math.floor(math.log10(longest))
    return max(decade * digit for digit in (1.0, 2.0, 5.0) if decade * digit <= longest)


def _draw_scale_bar(axes: Any, side_px: int, pixel_size_um: float) -> None:
    """Draw a scale bar and its length into the lower right corner of a square picture."""
    from matplotlib.patches import Rectangle

    length_um = bar_length_um(side_px * pixel_size_um)
    length_px = length_um / pixel_size_um
    right, bottom = 0.95 * side_px, 0.95 * side_px
    height = 0.015 * side_px
    axes.add_patch(
        Rectangle((right - length_px, bottom - height), length_px, height, color="white")
    )
    axes.text(
        right - length_px / 2,
        bottom - 2 * height,
        f"{length_um:g} µm",
        color="white",
        fontsize=10,
        ha="center",
        va="bottom",
    )


def _show(axes: Any, image: NDArray[Any], reference: NDArray[Any], label: str) -> None:
    """Show the central square of an image with the grey levels of a reference."""
    ny, nx = image.shape
    side = min(ny, nx)
    top, left = (ny - side) // 2, (nx - side) // 2
    low, high = np.percentile(reference, (1, _WHITE_PERCENTILE))
    axes.imshow(
        image[top : top + side, left : left + side],
        cmap="gray",
        vmin=low,
        vmax=max(high, low + 1),
        interpolation="nearest",
        aspect="auto",
    )
    axes.set_axis_off()
    axes.text(
        0.03,
        0.97,
        label,
        transform=axes.transAxes,
        color="white",
        fontsize=10,
        va="top",
        bbox={"facecolor": "black", "alpha": 0.6, "pad": 2, "edgecolor": "none"},
    )
