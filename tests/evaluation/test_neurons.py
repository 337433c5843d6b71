"""Found neurons against true ones, where the answer is known."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from deepz_zoo.errors import DeepZError
from deepz_zoo.evaluation.neuron_plot import plot_neuron_score
from deepz_zoo.evaluation.neurons import (
    NeuronTable,
    adjusted_rand_index,
    read_neurons,
    score_neurons,
)

RNG = np.random.default_rng(0)
TRUTH = NeuronTable(
    position_um=np.array([[-5.0, 10, 10], [0, 30, 10], [2, 31, 11.5], [4, 50, 50], [0, 80, 80]]),
    cluster=np.array([1, 1, 2, 2, 0]),
    traces=RNG.normal(size=(5, 40)),
)


def test_the_truth_itself_is_perfect() -> None:
    order = np.array([3, 0, 4, 1, 2])
    same = NeuronTable(
        TRUTH.position_um[order], TRUTH.cluster[order], 7 * TRUTH.traces[order] + 100
    )
    score = score_neurons(same, TRUTH)
    assert (score.found, score.missed, score.merged, score.false) == (5, 0, 0, 0)
    assert (score.lateral_error_um, score.axial_error_um) == (0, 0)
    assert score.correlation == pytest.approx((1, 1, 1))
    assert (score.rand_index, score.clustered) == (1, 4)
    assert [(row.from_um, row.to_um, row.true) for row in score.depths] == [
        (-5, -3, 1),
        (0, 3, 3),
        (3, 5, 1),
    ]


def test_missed_merged_and_false_ones_are_told_apart() -> None:
    # The second and the third are found as one between them; the fourth is missed; one is invented.
    places = np.array([[-4.0, 10, 11], [1, 30.5, 10.7], [0, 80, 80.5], [0, 5, 60]])
    found = NeuronTable(places, np.array([1, 1, 0, 2]), RNG.normal(size=(4, 40)))
    score = score_neurons(found, TRUTH)
    assert (score.true, score.found, score.missed, score.merged, score.false) == (5, 3, 2, 1, 1)
    assert score.axial_error_um == 1
    by_depth = {row.to_um: (row.true, row.found, row.merged) for row in score.depths}
    assert by_depth[-3] == (1, 1, 0)
    assert sum(row.found for row in score.depths) == 3
    assert sum(row.merged for row in score.depths) == 1
    assert len(plot_neuron_score(score).axes[0].patches) == 3 * len(score.depths)


def test_without_depths_places_are_enough() -> None:
    flat = replace(TRUTH, position_um=TRUTH.position_um * [np.nan, 1, 1])
    score = score_neurons(flat, TRUTH)
    assert (score.found, score.within_z_um, score.axial_error_um) == (5, None, None)


def test_bleaching_does_not_count() -> None:
    bleached = replace(TRUTH, traces=50 * TRUTH.traces + np.linspace(1000, 0, 40))
    assert score_neurons(bleached, TRUTH).correlation == pytest.approx((1, 1, 1))


def test_none_found() -> None:
    nothing = NeuronTable(np.zeros((0, 3)), np.zeros(0, np.int64), np.zeros((0, 40)))
    score = score_neurons(nothing, TRUTH)
    assert (score.found, score.missed, score.correlation, score.rand_index) == (0, 5, None, None)


def test_adjusted_rand_index() -> None:
    """Examples of scikit-learn's documentation of `adjusted_rand_score`."""

    def index(*labels: list[int]) -> float:
        return adjusted_rand_index(*(np.array(each) for each in labels))

    assert index([0, 0, 1, 1], [0, 0, 1, 1]) == 1
    assert index([0, 0, 1, 1], [1, 1, 0, 0]) == 1
    assert index([0, 0, 1, 2], [0, 0, 1, 1]) == pytest.approx(0.571, abs=5e-4)
    assert index([0, 0, 0, 0], [0, 1, 2, 3]) == 0
    assert index([0, 0, 1, 1], [0, 1, 0, 1]) == pytest.approx(-0.5)


def write(folder: Path, rows: str, traces: str) -> Path:
    folder.mkdir(exist_ok=True)
    (folder / "neurons.csv").write_text(rows)
    (folder / "traces.csv").write_text(traces)
    return folder


def test_the_command(run_cli, tmp_path) -> None:
    header = "neuron,x_um,y_um,z_um,activity,cluster\n"
    traces = "frame,neuron_0001,neuron_0002\n1,1,5\n2,4,1\n3,1,6\n"
    truth = write(tmp_path / "truth", header + "1,5,6,-2,0,1\n2,50,60,3,0,2\n", traces)
    found = write(tmp_path / "found", header + "1,5.5,6,,3,1\n2,90,60,,3,\n", traces)
    plot = tmp_path / "plot.png"
    words = ["evaluate", "neurons", found, "--truth", truth]
    code, out, err = run_cli(*words, "--json", tmp_path / "score.json", "--plot", plot)
    assert code == 0, err
    assert "1 of 2 neurons found within 2 µm; 1 missed, 0 of them merged" in out
    assert json.loads((tmp_path / "score.json").read_text())["false"] == 1
    assert plot.read_bytes().startswith(b"\x89PNG")
    assert read_neurons(found).cluster.tolist() == [1, 0]
    code, _, err = run_cli("evaluate", "neurons", tmp_path, "--truth", truth)
    assert (code, "a table of neurons" in err) == (2, True)
    write(tmp_path / "bad", header + "1,5,6,-2,0,1\n", "frame,neuron_0007\n1,1\n")
    with pytest.raises(DeepZError, match="do not belong together"):
        read_neurons(tmp_path / "bad")
    write(tmp_path / "bad", "x,y\n1,2\n", traces)
    with pytest.raises(DeepZError, match=r"neurons\.csv: no column neuron"):
        read_neurons(tmp_path / "bad")
    short = write(tmp_path / "short", header + "1,5,6,-2,0,1\n", "frame,neuron_0001\n1,1\n")
    with pytest.raises(DeepZError, match="traces of 1 frames; expected 3"):
        score_neurons(read_neurons(short), read_neurons(truth))
