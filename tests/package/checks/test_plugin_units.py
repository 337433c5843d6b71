"""Putting back what the plugin's output leaves out."""

from __future__ import annotations

from typing import get_args

import numpy as np
import pytest
import torch

from deepz_zoo.engines.torch_model import TorchModel
from deepz_zoo.intensities.plugin_normalization import plugin_intensity_scale
from deepz_zoo.network.config import Normalization
from deepz_zoo.network.graph.wrapper import DeepZModel
from deepz_zoo.package.checks.plugin_units import in_camera_units


class KeepsTheImage(torch.nn.Module):
    multiple = 1

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x[:, :1]


@pytest.mark.parametrize("rule", get_args(Normalization))
def test_a_model_that_keeps_the_image_keeps_its_grey_levels(rule: Normalization) -> None:
    model = DeepZModel(KeepsTheImage(), normalization=rule).eval()
    engine = in_camera_units(TorchModel(model), rule)
    images = np.random.default_rng(0).exponential(20, (2, 40, 50)).astype(np.uint8)
    tensor = np.zeros((2, 2, 40, 50), np.float32)
    tensor[:, 0] = images
    output = engine(tensor)[:, 0]
    if rule == "paper":
        np.testing.assert_allclose(output, images, atol=1e-3)
        return
    for image, found in zip(images, output, strict=True):
        scale = plugin_intensity_scale(image)
        ends = scale.background, scale.background + scale.scale  # the plugin clips beyond them
        step = scale.scale / (255 if rule == "plugin-8bit" else 65535)
        np.testing.assert_allclose(found, np.clip(image, *ends), atol=0.51 * step)
