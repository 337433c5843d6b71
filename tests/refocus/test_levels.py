"""Background and scale of images that are measured in parts."""

from __future__ import annotations

import numpy as np
import pytest

from deepz_zoo.intensities import intensity_scale
from deepz_zoo.intensities.plugin_normalization import plugin_intensity_scale
from deepz_zoo.network.graph.normalization import LoneImageNormalization
from deepz_zoo.network.graph.plugin_normalization import PluginNormalization
from deepz_zoo.refocus import levels

RNG = np.random.default_rng(0)
IMAGES = {
    "counts": RNG.poisson(RNG.gamma(1, 300, (200, 300))).astype(np.uint16),
    "8 bits": RNG.integers(3, 240, (64, 80)).astype(np.uint8),
    "fractions": RNG.gamma(2, 300, (201, 299)).astype(np.float32),
    "fractions in one row": np.r_[RNG.poisson(9, (90, 80)), RNG.normal(9, 1, (1, 80))],
    "small numbers": RNG.normal(0, 1e-3, (200, 300)),
    "large numbers": RNG.gamma(0.5, 1e6, (300, 200)).astype(np.float32),
    "one level": np.full((90, 90), 7, np.uint16),
}


@pytest.mark.parametrize("name", IMAGES)
def test_parts_give_the_levels_of_the_whole_image(monkeypatch, name: str) -> None:
    image = IMAGES[name]
    whole = levels.measure_levels(LoneImageNormalization(), image)
    monkeypatch.setattr(levels, "WHOLE_PX", 0)
    monkeypatch.setattr(levels, "PART_PX", 1000)
    parts = levels.measure_levels(LoneImageNormalization(), image)
    for found, graph in zip(parts, whole, strict=True):
        assert (found.shape, found.dtype) == (graph.shape, graph.dtype)
        assert found.item() == pytest.approx(graph.item(), rel=1e-6)
    expected = intensity_scale(image)
    span = float(np.ptp(image)) or 1.0
    assert parts[0].item() == pytest.approx(expected.background, abs=2e-3 * span)
    assert parts[1].item() == pytest.approx(expected.scale, abs=4e-3 * span)


@pytest.mark.parametrize("name", ["counts", "8 bits"])
def test_parts_give_the_plugin_s_numbers(monkeypatch, name: str) -> None:
    image = IMAGES[name]
    monkeypatch.setattr(levels, "WHOLE_PX", 0)
    monkeypatch.setattr(levels, "PART_PX", 1000)
    found = levels.measure_levels(PluginNormalization(8 * image.dtype.itemsize), image)
    expected = plugin_intensity_scale(image)
    assert [level.item() for level in found] == [expected.background, expected.scale]
