"""Pictures of neurons: where they are, what they do, how alike they are (Figs. 3 and S6)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from matplotlib.figure import Figure

from deepz_zoo.measure.neurons.traces import changes

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.cm import ScalarMappable
    from numpy.typing import NDArray

    from deepz_zoo.measure.neurons.run import NeuronTracks

_DARKEST, _BRIGHTEST = 1.0, 99.8  # percentiles
_WITHIN_LIMITS = 99  # percent of the activity
_DEPTHS = "turbo"
_CLUSTERS = ("C0", "C9", "gold", "C4", "C6", "C1", "C7", "C5")  # not red and green, as channels are


def plot_neurons(tracks: NeuronTracks) -> Figure:
    """Draw the neurons on both channels, circled by cluster, and colored by depth (Fig. 3a,b)."""
    figure = Figure(figsize=(11, 5), layout="constrained")
    image, depths = figure.subplots(1, 2)
    _draw_channels(image, tracks)
    _circle_clusters(image, tracks)
    image.set_title(f"{len(tracks.report.neurons)} neurons, {len(tracks.active)} active: clusters")
    _draw_depths(figure, depths, tracks)
    return figure


def plot_clusters(tracks: NeuronTracks) -> Figure:
    """Draw the activity of each cluster's neurons and its mean (Fig. 3c)."""
    order = tracks.clusters.order
    relative = _relative(tracks)[tracks.active[order]]
    numbers = tracks.clusters.numbers[order]
    figure = Figure(figsize=(8, 8.5), layout="constrained")
    rows, means = figure.subplots(2, 1, height_ratios=(2, 1), sharex=True)
    _draw_rows(figure, rows, relative, tracks)
    for first in np.flatnonzero(np.diff(numbers)) + 1:
        rows.axhline(first, color="black", linewidth=0.8)
    rows.set_ylabel("active neurons, by cluster")
    time, unit = _times(tracks)
    for number in range(1, tracks.clusters.count + 1):
        of_it = numbers == number
        label = f"C{number} ({np.count_nonzero(of_it)})"
        means.plot(time, relative[of_it].mean(axis=0), color=_color(number), label=label)
    means.set(xlabel=unit, ylabel="mean ΔF / F₀")
    means.legend(fontsize=8)
    return figure


def plot_similarity(tracks: NeuronTracks) -> Figure:
    """Draw the similarity matrix, its eigenvalues, and the matrix by cluster (Fig. S6c,d,f)."""
    clusters = tracks.clusters
    figure = Figure(figsize=(12, 3.8), layout="constrained")
    found, values, arranged = figure.subplots(1, 3)
    order = clusters.order
    for axis, matrix, title in (
        (found, clusters.similarity, "similarity"),
        (arranged, clusters.similarity[np.ix_(order, order)], "by cluster"),
    ):
        image = axis.imshow(matrix, vmin=0, vmax=1, interpolation="nearest")
        axis.set(title=title, xlabel="active neuron", ylabel="active neuron")
    figure.colorbar(image, ax=arranged)
    numbers = np.arange(1, len(clusters.eigenvalues) + 1)
    values.plot(numbers, clusters.eigenvalues, "o-", color="C0")
    values.axvline(clusters.count + 0.5, color="C3", linestyle=":")
    values.set(title=f"{clusters.count} clusters", xlabel="number", ylabel="eigenvalue")
    values.grid(alpha=0.3)
    return figure


def plot_activities(tracks: NeuronTracks) -> Figure:
    """Draw the activity of all neurons, the most active first (Fig. S6a)."""
    order = np.argsort([-each.activity for each in tracks.report.neurons], kind="stable")
    figure = Figure(figsize=(8, 6), layout="constrained")
    axis = figure.subplots()
    _draw_rows(figure, axis, _relative(tracks)[order], tracks)
    axis.axhline(len(tracks.active), color="black", linewidth=0.8)
    axis.set(xlabel=_times(tracks)[1], ylabel="neurons, the most active first")
    return figure


def depth_colored(volume: NDArray[np.float32]) -> NDArray[np.uint8]:
    """Return the maximum projection along z, in the color of the plane it comes from.

    Parameters
    ----------
    volume
        Shape (z, y, x).

    Returns
    -------
    ndarray of uint8, shape (y, x, 3)
        As bright as the projection, from blue (the first plane) to red (the last).
    """
    from matplotlib import colormaps

    projection = volume.max(axis=0)
    place = volume.argmax(axis=0) / max(len(volume) - 1, 1)
    colors = colormaps[_DEPTHS](place)[..., :3] * _stretched(projection)[..., None]
    return np.asarray(np.rint(255 * colors), np.uint8)


def plot_depths(tracks: NeuronTracks) -> Figure:
    """Draw the nuclei's maximum projection along z, colored by depth."""
    figure = Figure(figsize=(6.4, 5), layout="constrained")
    axis = figure.subplots()
    axis.imshow(depth_colored(tracks.nuclei), extent=_extent(tracks), interpolation="nearest")
    axis.set(xlabel="x, µm", ylabel="y, µm")
    z_um = tracks.report.z_um
    if z_um is not None:
        figure.colorbar(_scale_of_depths(z_um), ax=axis, label="Δz, µm")
    return figure


def _draw_channels(axis: Axes, tracks: NeuronTracks) -> None:
    """Draw nuclei in red and activity in green, both as maximum projections along z."""
    red, green = (_stretched(each.max(axis=0)) for each in (tracks.nuclei, tracks.activity))
    picture = np.stack([red, green, np.zeros_like(red)], axis=-1)
    axis.imshow(picture, extent=_extent(tracks), interpolation="nearest")
    axis.set(xlabel="x, µm", ylabel="y, µm")


def _circle_clusters(axis: Axes, tracks: NeuronTracks) -> None:
    for number in range(1, tracks.clusters.count + 1):
        of_it = [each for each in tracks.report.neurons if each.cluster == number]
        axis.scatter(
            [each.x_um for each in of_it],
            [each.y_um for each in of_it],
            s=45,
            facecolors="none",
            edgecolors=_color(number),
            linewidths=1,
            label=f"C{number}",
        )
    axis.legend(fontsize=8)


def _draw_rows(
    figure: Figure, axis: Axes, relative: NDArray[np.float64], tracks: NeuronTracks
) -> None:
    """Draw a row of colors for each neuron, the first at the top."""
    limit = float(np.percentile(np.abs(relative), _WITHIN_LIMITS)) or 1.0
    edges, rows = _edges(_times(tracks)[0]), np.arange(len(relative) + 1)
    mesh = axis.pcolormesh(edges, rows, relative, cmap="RdBu_r", vmin=-limit, vmax=limit)
    mesh.set_rasterized(True)
    figure.colorbar(mesh, ax=axis, label="ΔF / F₀")
    axis.invert_yaxis()


def _draw_depths(figure: Figure, axis: Axes, tracks: NeuronTracks) -> None:
    neurons, z_um = tracks.report.neurons, tracks.report.z_um
    x, y = [each.x_um for each in neurons], [each.y_um for each in neurons]
    if z_um is None:
        axis.scatter(x, y, s=14, color="0.4")
        axis.set_title("neurons; the plane tells no depth")
    else:
        depths = [each.z_um or 0.0 for each in neurons]
        axis.scatter(x, y, s=14, c=depths, cmap=_DEPTHS, vmin=min(z_um), vmax=max(z_um))
        figure.colorbar(_scale_of_depths(z_um), ax=axis, label="Δz, µm")
        axis.set_title("neurons by depth")
    left, right, bottom, top = _extent(tracks)
    axis.set(xlabel="x, µm", ylabel="y, µm", xlim=(left, right), ylim=(bottom, top))
    axis.set_aspect("equal")


def _scale_of_depths(z_um: tuple[float, ...]) -> ScalarMappable:
    from matplotlib.cm import ScalarMappable
    from matplotlib.colors import Normalize

    return ScalarMappable(Normalize(min(z_um), max(z_um)), _DEPTHS)


def _extent(tracks: NeuronTracks) -> tuple[float, float, float, float]:
    """Return left, right, bottom and top of the picture in µm; 0 is a pixel's center."""
    pixel_um = tracks.report.pixel_size_um
    ny, nx = tracks.nuclei.shape[1:]
    return -pixel_um / 2, (nx - 0.5) * pixel_um, (ny - 0.5) * pixel_um, -pixel_um / 2


def _stretched(image: NDArray[np.float32]) -> NDArray[np.float64]:
    low, high = np.percentile(image, (_DARKEST, _BRIGHTEST))
    stretched: NDArray[np.float64] = np.clip((image - low) / max(high - low, 1e-9), 0, 1)
    return stretched


def _relative(tracks: NeuronTracks) -> NDArray[np.float64]:
    mean = tracks.traces.mean(axis=1, keepdims=True)
    return np.asarray(changes(tracks.traces) / np.where(mean > 0, mean, np.inf))


def _times(tracks: NeuronTracks) -> tuple[NDArray[np.float64], str]:
    frames = np.arange(tracks.report.frames, dtype=np.float64)
    interval_s = tracks.report.frame_interval_s
    return (frames + 1, "frame") if interval_s is None else (frames * interval_s, "time, s")


def _edges(time: NDArray[np.float64]) -> NDArray[np.float64]:
    step = time[1] - time[0]
    return np.asarray(np.append(time, time[-1] + step) - step / 2)


def _color(cluster: int) -> str:
    return _CLUSTERS[(cluster - 1) % len(_CLUSTERS)]
