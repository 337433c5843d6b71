"""Neurons that were found in a video, compared with those that are there."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment
from scipy.signal import detrend
from scipy.spatial.distance import cdist
from scipy.special import comb
from skimage.metrics import contingency_table

from deepz_zoo import __version__
from deepz_zoo.errors import DeepZError
from deepz_zoo.files import check_readable
from deepz_zoo.records.neuron_score import DepthScore, NeuronScore

Floats = NDArray[np.float64]

WITHIN_UM, WITHIN_Z_UM = 2.0, 4.0
"""How far a found neuron may lie from its true one: a nucleus, and twice that along z."""
_DEPTHS_UM = (-np.inf, -6.0, -3.0, 0.0, 3.0, 6.0, np.inf)


@dataclass(frozen=True, eq=False)
class NeuronTable:
    """Neurons and their activity, true or found.

    Attributes
    ----------
    position_um
        As (z, y, x), shape (n, 3); z is NaN where it is not known.
    cluster
        Number of the cluster, or 0 for those without, shape (n,).
    traces
        Activity of each, shape (n, frames).
    """

    position_um: Floats
    cluster: NDArray[np.int64]
    traces: Floats


def read_neurons(folder: Path) -> NeuronTable:
    """Read ``neurons.csv`` and ``traces.csv`` of a folder.

    Raises
    ------
    DeepZError
        If one of them is missing, has other columns or disagrees with the other.
    """
    rows = _read(folder / "neurons.csv", ("neuron", "x_um", "y_um", "z_um", "cluster"))
    traces = _read(folder / "traces.csv", ("frame",))
    names = [f"neuron_{int(row['neuron']):04d}" for row in rows]
    try:
        position = [[float(row[f"{axis}_um"] or "nan") for axis in "zyx"] for row in rows]
        cluster = [int(row["cluster"] or 0) for row in rows]
        values = [[float(row[name]) for row in traces] for name in names]
    except (KeyError, ValueError) as error:
        raise DeepZError(
            f"{folder}: neurons.csv and traces.csv do not belong together, or hold {error}"
        ) from error
    return NeuronTable(
        np.asarray(position, dtype=np.float64).reshape(-1, 3),
        np.asarray(cluster, dtype=np.int64),
        np.asarray(values, dtype=np.float64).reshape(len(rows), -1),
    )


def _read(path: Path, columns: Sequence[str]) -> list[dict[str, str]]:
    check_readable(path, "a table of neurons")
    with path.open(encoding="utf-8", newline="") as file:
        reader = csv.DictReader(file)
        missing = [name for name in columns if name not in (reader.fieldnames or ())]
        if missing:
            raise DeepZError(f"{path}: no column {missing[0]}; expected {', '.join(columns)}")
        return list(reader)


def score_neurons(
    found: NeuronTable,
    truth: NeuronTable,
    *,
    within_um: float = WITHIN_UM,
    within_z_um: float = WITHIN_Z_UM,
) -> NeuronScore:
    """Match found neurons with true ones, one by one, and compare them.

    Parameters
    ----------
    found, truth
        Positions in the same frame of reference, as many frames in the traces.
    within_um, within_z_um
        How far they may lie apart. Depths count if the found ones have them.

    Notes
    -----
    Neurons are matched by the Hungarian algorithm, so that the sum of distances is least. Traces
    are compared by their correlation, after a straight line was taken out of each: bleaching.

    Raises
    ------
    DeepZError
        If the traces have other numbers of frames.
    """
    if found.traces.shape[1] != truth.traces.shape[1] and len(found.traces):
        raise DeepZError(
            f"traces of {found.traces.shape[1]} frames; expected {truth.traces.shape[1]}, as in "
            "the truth"
        )
    deep = len(found.position_um) > 0 and bool(np.isfinite(found.position_um[:, 0]).all())
    scale = np.array([1 / within_z_um if deep else 0.0, 1 / within_um, 1 / within_um])
    distance = cdist(truth.position_um * scale, np.nan_to_num(found.position_um) * scale)
    near = distance <= 1
    rows, columns = linear_sum_assignment(np.where(near, distance, 1e3))
    matched = near[rows, columns]
    rows, columns = rows[matched], columns[matched]
    of_truth = np.full(len(truth.position_um), -1)
    of_truth[rows] = columns
    merged = (of_truth < 0) & near.any(axis=1)
    apart = np.abs(truth.position_um[rows] - found.position_um[columns])
    correlations = _correlations(truth.traces[rows], found.traces[columns])
    of_each = np.full(len(truth.position_um), np.nan)
    of_each[rows] = correlations
    active = truth.cluster[rows] > 0
    both = active & (found.cluster[columns] > 0)
    return NeuronScore(
        code_version=__version__,
        within_um=within_um,
        within_z_um=within_z_um if deep else None,
        true=len(truth.position_um),
        found=len(rows),
        missed=len(truth.position_um) - len(rows),
        merged=int(merged.sum()),
        false=len(found.position_um) - len(rows),
        lateral_error_um=_median(np.hypot(apart[:, 1], apart[:, 2])),
        axial_error_um=_median(apart[:, 0]) if deep else None,
        correlation=_quartiles(correlations[active]),
        rand_index=(
            adjusted_rand_index(truth.cluster[rows][both], found.cluster[columns][both])
            if both.sum() > 1
            else None
        ),
        clustered=int(both.sum()),
        depths=_by_depth(truth, of_truth >= 0, merged, of_each),
    )


def adjusted_rand_index(one: NDArray[np.int64], other: NDArray[np.int64]) -> float:
    """Return how well two clusterings of the same things agree: 1 if they do, 0 by chance.

    Hubert and Arabie, Journal of Classification 2, 193 (1985), Eq. 5.
    """
    together = contingency_table(one, other, normalize=False).toarray()
    pairs = float(comb(together, 2).sum())
    in_one = float(comb(together.sum(axis=1), 2).sum())
    in_other = float(comb(together.sum(axis=0), 2).sum())
    by_chance = in_one * in_other / float(comb(len(one), 2))
    most = (in_one + in_other) / 2
    return 1.0 if most == by_chance else (pairs - by_chance) / (most - by_chance)


def _correlations(one: Floats, other: Floats) -> Floats:
    """Return the correlation of each row with that of the other, without their trends."""
    one, other = _without_trend(one), _without_trend(other)
    norms = np.linalg.norm(one, axis=1) * np.linalg.norm(other, axis=1)
    return np.asarray((one * other).sum(axis=1) / np.maximum(norms, 1e-12))


def _without_trend(traces: Floats) -> Floats:
    return np.asarray(detrend(traces, axis=1)) if traces.size else traces


def _by_depth(
    truth: NeuronTable, found: NDArray[np.bool_], merged: NDArray[np.bool_], correlations: Floats
) -> tuple[DepthScore, ...]:
    z_um = truth.position_um[:, 0]
    deepest = float(np.ceil(np.abs(z_um).max()))
    scores = []
    for low, high in pairwise(_DEPTHS_UM):
        inside = (z_um >= low) & (z_um < high)
        if not inside.any():
            continue
        scores.append(
            DepthScore(
                from_um=max(low, -deepest),
                to_um=min(high, deepest),
                true=int(inside.sum()),
                found=int((inside & found).sum()),
                merged=int((inside & merged).sum()),
                correlation=_median(correlations[inside & found & (truth.cluster > 0)]),
            )
        )
    return tuple(scores)


def _median(values: Floats) -> float | None:
    return float(np.median(values)) if len(values) else None


def _quartiles(values: Floats) -> tuple[float, float, float] | None:
    if not len(values):
        return None
    low, middle, high = np.percentile(values, (25, 50, 75))
    return float(low), float(middle), float(high)
