"""Plots hold a line for each method in each panel."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from skimage.io import imread

from deepz_zoo.cards.labels import CONDITION_LABELS
from deepz_zoo.cards.plots import (
    plot_accuracy,
    plot_limits,
    plot_stack_accuracy,
    save_figure,
)
from deepz_zoo.records.accuracy import Accuracy
from deepz_zoo.records.limits import MeasuredLimits
from deepz_zoo.records.measured_stack import MeasuredRow, StackAccuracy


def test_accuracy_has_a_panel_for_each_noise_and_metric(accuracy: Accuracy, tmp_path: Path) -> None:
    figure = plot_accuracy(accuracy)
    assert len(figure.axes) == 2 * 3
    correlation = figure.axes[0]
    assert correlation.lines[0].get_label() == "model"
    assert len(correlation.lines) == 4
    assert list(np.asarray(correlation.lines[0].get_xdata())) == [-10, -5, 0, 5, 10]
    assert set(np.asarray(correlation.lines[0].get_ydata())) == {0.875}
    save_figure(figure, tmp_path / "plot.png")
    assert imread(tmp_path / "plot.png").ndim == 3
    assert [path.name for path in tmp_path.iterdir()] == ["plot.png"]
    for name in ("a.svg", "b.svg"):
        save_figure(plot_accuracy(accuracy), tmp_path / name)
    assert (tmp_path / "a.svg").read_bytes() == (tmp_path / "b.svg").read_bytes()
    assert b"<svg" in (tmp_path / "a.svg").read_bytes()


def test_limits_have_a_panel_for_each_condition(limits: MeasuredLimits) -> None:
    figure = plot_limits(limits)
    assert [axis.get_title() for axis in figure.axes] == [
        CONDITION_LABELS[curve.condition].heading for curve in limits.curves
    ]
    signal = figure.axes[1]
    assert signal.get_xscale() == "log"
    model, own, limit = signal.lines
    assert list(np.asarray(model.get_xdata())) == [10, 1000, 10_000]
    assert list(np.asarray(model.get_ydata())) == [0.8, 1.0, 1.0]
    assert set(np.asarray(own.get_ydata())) == {0.3125}
    assert set(np.asarray(limit.get_xdata())) == {100}


def test_an_acquired_stack_has_a_row_for_each_source() -> None:
    rows = [
        MeasuredRow(
            source_um=source,
            target_um=target,
            method=method,
            correlation=0.75,
            error_over_rms=0.5,
            ssim=0.9,
            mae=0.1,
            mse=0.01,
            rmse=0.1,
        )
        for source in (2.0, 0.0)
        for target in (0.0, 1.0, 2.0)
        for method in ("model", "blank", "input")
    ]
    accuracy = StackAccuracy(
        version=1,
        code_version="0.1.0",
        system_name="leica20x_0.8/TxRd",
        pixel_size_um=0.325,
        z_step_um=1.0,
        resampled=1.0,
        planes=3,
        in_focus_um=2.0,
        sources_um=(2.0, 0.0),
        bead_threshold=None,
        images=tuple(rows),
        beads=(),
    )
    figure = plot_stack_accuracy(accuracy)
    assert len(figure.axes) == 3 * 2
    assert len(figure.axes[0].lines) == 3
    assert list(np.asarray(figure.axes[0].lines[0].get_xdata())) == [-2, -1, 0]
