"""How well neurons were found, as bars by depth."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from deepz_zoo.records.neuron_score import NeuronScore


def plot_neuron_score(score: NeuronScore) -> Figure:
    """Plot how many neurons were found, merged and missed in each range of depths."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(6, 3), layout="constrained")
    axis = figure.subplots()
    places = range(len(score.depths))
    below = [0] * len(score.depths)
    parts = {
        "found": ([row.found for row in score.depths], "C0"),
        "merged": ([row.merged for row in score.depths], "C1"),
        "missed": ([row.true - row.found - row.merged for row in score.depths], "0.8"),
    }
    for label, (counts, color) in parts.items():
        axis.bar(places, counts, bottom=below, label=label, color=color)
        below = [low + count for low, count in zip(below, counts, strict=True)]
    names = [f"{row.from_um:+g} to {row.to_um:+g}" for row in score.depths]
    axis.set(xticks=list(places), xticklabels=names, xlabel="Δz in µm", ylabel="neurons")
    axis.legend()
    return figure
