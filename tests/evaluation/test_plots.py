"""Figures hold a line for each method in each panel."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from skimage.io import imread
from torch import nn

from deepz_zoo.evaluation.measured import evaluate_stack
from deepz_zoo.evaluation.plots import (
    plot_accuracy,
    plot_limits,
    plot_stack_accuracy,
    save_figure,
)
from deepz_zoo.optics import get_system
from deepz_zoo.records.accuracy import Accuracy
from deepz_zoo.records.conditions import CONDITION_TEXTS
from deepz_zoo.records.limits import MeasuredLimits


class Identity(nn.Module):
    def forward(self, x):
        return x[:, :1]


def test_accuracy_has_a_panel_for_each_noise_and_metric(accuracy: Accuracy, tmp_path: Path) -> None:
    figure = plot_accuracy(accuracy)
    assert len(figure.axes) == 2 * 3
    correlation = figure.axes[0]
    assert correlation.lines[0].get_label() == "model"
    assert len(correlation.lines) == 4
    assert list(correlation.lines[0].get_xdata()) == [-10, -5, 0, 5, 10]
    assert set(correlation.lines[0].get_ydata()) == {0.875}
    save_figure(figure, tmp_path / "plot.png")
    assert imread(tmp_path / "plot.png").ndim == 3
    assert [path.name for path in tmp_path.iterdir()] == ["plot.png"]


def test_limits_have_a_panel_for_each_condition(limits: MeasuredLimits) -> None:
    figure = plot_limits(limits)
    assert [axis.get_title() for axis in figure.axes] == [
        CONDITION_TEXTS[curve.condition].heading for curve in limits.curves
    ]
    signal = figure.axes[1]
    assert signal.get_xscale() == "log"
    model, own, limit = signal.lines
    assert list(model.get_xdata()) == [10, 1000, 10_000]
    assert list(model.get_ydata()) == [0.8, 1.0, 1.0]
    assert set(own.get_ydata()) == {0.3125}
    assert set(limit.get_xdata()) == {100}


def test_a_measured_stack_has_a_row_for_each_source() -> None:
    stack = np.random.default_rng(0).gamma(1.0, 50.0, (5, 32, 32))
    accuracy = evaluate_stack(
        Identity(),
        stack,
        get_system("leica20x_0.8/TxRd"),
        pixel_size_um=0.325,
        z_step_um=1.0,
    )
    figure = plot_stack_accuracy(accuracy)
    assert len(figure.axes) == 3 * len(accuracy.sources_um)
    assert len(figure.axes[0].lines) == 3
