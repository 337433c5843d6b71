"""What ``measure neurons`` writes and prints."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from deepz_zoo.measure.neurons import NeuronTracks
    from deepz_zoo.records.neurons import NeuronReport

_TABLES = ("neurons.csv", "traces.csv", "neurons.json")
_IMAGES = ("labels.ome.tif", "median.ome.tif")
_PLOTS = ("neurons", "clusters", "similarity", "activities")
_DEPTHS = "depth.png"


def output_names(plane_only: bool) -> tuple[str, ...]:
    """Return the names of all files that are written; without refocusing there are no depths."""
    plots = (f"{name}.{ending}" for name in _PLOTS for ending in ("png", "svg"))
    return (*_TABLES, *_IMAGES, *plots, *(() if plane_only else (_DEPTHS,)))


def refuse_outputs(folder: Path, outputs: Sequence[str], video: Path, overwrite: bool) -> None:
    """Check that the folder and its files may be written."""
    from deepz_zoo.errors import DeepZError
    from deepz_zoo.files import refuse_output

    if not folder.absolute().parent.is_dir():
        raise DeepZError(f"cannot write {folder}: the folder {folder.parent} does not exist")
    if folder.is_dir():
        for name in outputs:
            refuse_output(folder / name, overwrite=overwrite, inputs=[video])


def write_outputs(folder: Path, outputs: Sequence[str], tracks: NeuronTracks) -> None:
    """Write all outputs, or none."""
    from deepz_zoo.cards.plots import save_figure
    from deepz_zoo.files import undone_if_failed, write_record
    from deepz_zoo.measure.neurons import plots, volumes
    from deepz_zoo.measure.neurons.tables import write_neurons, write_traces

    with undone_if_failed([folder / name for name in outputs]):
        folder.mkdir(exist_ok=True)
        write_neurons(folder / "neurons.csv", tracks.report.neurons)
        write_traces(folder / "traces.csv", tracks.traces)
        write_record(folder / "neurons.json", tracks.report)
        volumes.write_labels(folder / "labels.ome.tif", tracks)
        volumes.write_medians(folder / "median.ome.tif", tracks)
        for name in _PLOTS:
            figure = getattr(plots, f"plot_{name}")(tracks)
            for ending in ("png", "svg"):
                save_figure(figure, folder / f"{name}.{ending}")
        if _DEPTHS in outputs:
            save_figure(plots.plot_depths(tracks), folder / _DEPTHS)


def summary(report: NeuronReport) -> str:
    """Return what was found in a line."""
    sizes = [0] * report.clusters
    for neuron in report.active:
        sizes[(neuron.cluster or 1) - 1] += 1
    depth = "" if report.z_um is None else f" from {report.z_um[0]:+g} to {report.z_um[-1]:+g} µm"
    return (
        f"{len(report.neurons)} neurons{depth} above {report.threshold:.5g} grey levels, "
        f"{len(report.active)} active, {report.clusters} clusters "
        f"({', '.join(map(str, sizes))}); {report.frames} frames, moved by up to "
        f"{report.largest_shift_um:.2f} µm"
    )
