"""A distance for each frame of a time series, as a specimen drifts, and its CSV file."""

from __future__ import annotations

import csv
import math
import os
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from deepz_zoo.errors import DeepZError
from deepz_zoo.files import check_readable, replacing, write_table

FRAME, DISTANCE = "frame", "dz_um"
_FOUND = ("dz_before_smoothing_um", "sharpness")


@dataclass(frozen=True, eq=False)
class Track:
    """The distances onto which the frames of a series are refocused.

    Attributes
    ----------
    dz_um
        A distance in µm for each frame.
    """

    dz_um: tuple[float, ...]

    def __str__(self) -> str:
        """Say from where to where it goes."""
        return f"a track from {min(self.dz_um):+.3g} to {max(self.dz_um):+.3g} µm"


@dataclass(frozen=True, eq=False)
class FoundTrack(Track):
    """A track along which refocused frames are sharpest, as `find_track` finds it.

    Attributes
    ----------
    before_smoothing_um
        The sharpest distance of each frame by itself.
    distances_um
        Those that were tried.
    sharpness
        Of each frame at each of them, shape (frames, distances).
    region
        Where it was measured, shape (y, x).
    """

    before_smoothing_um: tuple[float, ...]
    distances_um: tuple[float, ...]
    sharpness: NDArray[np.float64]
    region: NDArray[np.bool_]


def read_track(path: str | os.PathLike[str]) -> Track:
    """Read the columns ``frame`` (from 1) and ``dz_um`` of a CSV file; others are ignored.

    Raises
    ------
    DeepZError
        If the file has no such columns, a value is no number, or a frame is missing or twice.
    """
    path = check_readable(path, "a CSV file of distances")
    wanted = f"expected the columns {FRAME} (from 1) and {DISTANCE}"
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.DictReader(file)
            rows = [(reader.line_num, row) for row in reader]
    except (UnicodeDecodeError, csv.Error) as error:
        raise DeepZError(f"{path} is no CSV file; {wanted}") from error
    if not rows or not {FRAME, DISTANCE} <= rows[0][1].keys():
        raise DeepZError(f"{path} has no row with these; {wanted}")
    distances: dict[int, float] = {}
    for line, row in rows:
        frame, distance = _number(row[FRAME]), _number(row[DISTANCE])
        if frame is None or frame != int(frame) or distance is None:
            raise DeepZError(
                f"{path}, line {line}: {row[FRAME]}, {row[DISTANCE]}; expected a whole number and "
                "a distance in µm"
            )
        if int(frame) in distances:
            raise DeepZError(f"{path}, line {line}: frame {int(frame)} is there twice")
        distances[int(frame)] = distance
    missing = next((n for n in range(1, len(distances) + 1) if n not in distances), None)
    if missing is not None:
        raise DeepZError(f"{path} has no frame {missing}; expected every frame from 1 on")
    return Track(tuple(distances[n] for n in sorted(distances)))


def _number(text: str | None) -> float | None:
    try:
        value = float(text or "")
    except ValueError:
        return None
    return value if math.isfinite(value) else None


def write_track(path: str | os.PathLike[str], track: FoundTrack, *, overwrite: bool = True) -> None:
    """Write a track as CSV, which `read_track` reads: a row for each frame."""
    best = track.sharpness.max(axis=1)
    found = zip(track.dz_um, track.before_smoothing_um, best, strict=True)
    rows = (
        (number, f"{dz:.3f}", f"{before:.3f}", f"{sharpness:.5g}")
        for number, (dz, before, sharpness) in enumerate(found, start=1)
    )
    write_table(path, (FRAME, DISTANCE, *_FOUND), rows, overwrite=overwrite)


def plot_track(path: str | os.PathLike[str], track: FoundTrack, *, overwrite: bool = True) -> None:
    """Draw the sharpness of each frame against the distance, and the track, as PNG."""
    from matplotlib.figure import Figure

    frames = np.arange(1, len(track.dz_um) + 1)
    figure = Figure(figsize=(7, 4), layout="constrained")
    axes = figure.subplots()
    highest = track.sharpness.max(axis=1, keepdims=True)
    relative = track.sharpness / np.where(highest > 0, highest, 1)
    mesh = axes.pcolormesh(frames, track.distances_um, relative.T, cmap="Greys", shading="nearest")
    figure.colorbar(mesh, label="sharpness, relative to the sharpest of a frame")
    axes.plot(frames, track.before_smoothing_um, "C1.", label="sharpest")
    axes.plot(frames, track.dz_um, "C0-", label="smoothed")
    axes.set(xlabel="frame", ylabel="Δz, µm")
    axes.legend(fontsize=8)
    with replacing(Path(path), overwrite=overwrite) as temporary:
        figure.savefig(temporary, format="png", dpi=150)
