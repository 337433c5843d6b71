"""What the figures of several experiments hold: curves of metrics, and calibrated images."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from numpy.typing import NDArray

    from deepz_zoo.records.accuracy import MetricName
    from deepz_zoo.records.limits import LimitPoint

METRIC_LABELS: dict[MetricName, str] = {
    "correlation": "correlation",
    "error_over_rms": "error / rms",
    "ssim": "SSIM",
    "mae": "MAE",
    "mse": "MSE",
    "rmse": "RMSE",
}


def draw_metric(axis: Axes, points: Sequence[LimitPoint], metric: MetricName) -> None:
    """Draw a metric of refocused images and of their inputs against the value of the points."""
    values = [point.value for point in points]
    for method, label in (("model", "refocused"), ("input", "input as it is")):
        heights = [getattr(getattr(point, method), metric) for point in points]
        axis.plot(values, heights, ".-", label=label)
    axis.set_ylabel(METRIC_LABELS[metric])
    axis.grid(alpha=0.3)


def draw_image(
    axis: Axes,
    image: NDArray[Any],
    pixel_size_um: float,
    *,
    top: float,
    cmap: str = "gray",
    row_um: float | None = None,
) -> Any:
    """Draw an image with axes in µm, black at 0, white at `top`; return it for a color bar.

    `row_um` is the distance between rows where they are planes.
    """
    height, width = image.shape[0] * (row_um or pixel_size_um), image.shape[1] * pixel_size_um
    drawn = axis.imshow(image, cmap=cmap, vmin=0, vmax=top, extent=(0, width, height, 0))
    axis.tick_params(labelsize=6)
    return drawn
