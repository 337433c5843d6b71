"""Find the distance at which each frame of a series is sharpest: a video's drift (Video S4)."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import binary_dilation, gaussian_filter, gaussian_filter1d, median_filter
from skimage.filters import threshold_triangle

from deepz_zoo.progress import Progress, no_progress
from deepz_zoo.refocus.planes import whole_planes
from deepz_zoo.refocus.track import FoundTrack

if TYPE_CHECKING:
    from deepz_zoo.network.graph.wrapper import DeepZModel
    from deepz_zoo.optics import ImagingSystem
    from deepz_zoo.refocus.plan import RefocusPlan

SMOOTHING_FRAMES = 1.0
"""Standard deviation of the smoothing of a track."""
_OUTLIER_FRAMES = 5
_BLUR_PX = 2.0
_MARGIN_PX = 5


def moving_region(frames: Iterable[NDArray[Any]]) -> NDArray[np.bool_]:
    """Return where the frames of a series change: their spread over time, by triangle threshold.

    The frames are blurred a little first, so that noise is no movement.

    Parameters
    ----------
    frames
        Images of one shape (y, x); each is looked at once.

    Returns
    -------
    ndarray of bool, shape (y, x)
        Everything, where nothing changes or there is one frame.
    """
    count, mean, squares = 0, np.zeros(()), np.zeros(())
    for frame in frames:
        blurred = gaussian_filter(frame.astype(np.float64), _BLUR_PX)
        count += 1
        change = blurred - mean
        mean = mean + change / count
        squares = squares + change * (blurred - mean)  # Welford's sum, exact for small changes
    spread = np.sqrt(squares / max(count, 1))
    if spread.max() <= 1e-6 * np.abs(mean).max():
        return np.ones(mean.shape, dtype=bool)
    moving: NDArray[np.bool_] = binary_dilation(
        spread > threshold_triangle(spread), iterations=_MARGIN_PX
    )
    return moving


def normalized_variance(values: NDArray[np.floating]) -> float:
    """Return the variance of pixels over their mean, a measure of focus.

    Groen, Young and Ligthart, Cytometry 6, 81 (1985).
    """
    mean = float(values.mean(dtype=np.float64))
    return float(values.var(dtype=np.float64)) / mean if mean > 0 else 0.0


def distances_to_try(system: ImagingSystem) -> tuple[float, ...]:
    """Return even distances over the range of a model, in µm: every second plane of its stacks."""
    step = 2 * system.z_step_um
    count = int(system.z_range_um / step + 1e-6)
    return tuple(round(step * number, 6) for number in range(-count, count + 1))


def find_track(
    plan: RefocusPlan,
    model: DeepZModel,
    *,
    tile_px: int | None = None,
    progress: Progress = no_progress,
) -> FoundTrack:
    """Refocus every frame onto all planes of a plan, and find where it is sharpest.

    The maximum is that of a parabola through the sharpest plane and its neighbors. A median over
    five frames removes outliers, and a Gaussian of one frame smooths what is left. Frames without
    any contrast take the distance between those beside them.

    Parameters
    ----------
    plan
        Onto planes at even distances, ascending.
    model
        As an engine runs it.
    tile_px
        As in `refocus_image`.
    progress
        Hears of each frame.
    """
    frames, distances = plan.frames, np.asarray(plan.z_um)
    region = moving_region(frames.planes())
    sharpness = np.zeros((frames.plane_count, len(distances)))
    for number in range(frames.plane_count):
        planes = whole_planes(
            plan.run_frame(model, number, tile_px=tile_px), plan.sampling.image_shape
        )
        sharpness[number] = [normalized_variance(plane[region]) for plane in planes]
        progress("Finding the focus", number + 1, frames.plane_count)
    sharpest = _between_others(np.array([_maximum(distances, row) for row in sharpness]))
    smooth = gaussian_filter1d(
        median_filter(sharpest, _OUTLIER_FRAMES, mode="nearest"), SMOOTHING_FRAMES, mode="nearest"
    )
    return FoundTrack(
        tuple(smooth.tolist()),
        tuple(sharpest.tolist()),
        tuple(distances.tolist()),
        sharpness,
        region,
    )


def _between_others(found: NDArray[np.float64]) -> NDArray[np.float64]:
    """Interpolate where nothing was found; 0 if nothing was anywhere."""
    known = np.flatnonzero(~np.isnan(found))
    if not known.size:
        return np.zeros_like(found)
    return np.interp(np.arange(found.size), known, found[known])


def _maximum(distances: NDArray[np.float64], values: NDArray[np.float64]) -> float:
    """Return where a parabola through the largest value and its neighbors is highest."""
    if not values.max() > 0:
        return float("nan")
    best = int(values.argmax())
    if not 0 < best < len(values) - 1:
        return float(distances[best])
    left, middle, right = values[best - 1 : best + 2]
    curvature = left - 2 * middle + right
    shift = 0.5 * (left - right) / curvature if curvature < 0 else 0.0
    return float(distances[best] + shift * (distances[best + 1] - distances[best]))
