"""A model with the plugin's normalization, whose numbers tests/intensities checks."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn

from deepz_zoo.errors import DeepZError
from deepz_zoo.network.graph.wrapper import DeepZModel
from deepz_zoo.refocus import refocus_image, with_normalization


class Half(nn.Module):
    """Stands in for a network: half of the image, in the middle of the grey levels."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x[:, :1] / 2


@pytest.fixture
def model() -> DeepZModel:
    return DeepZModel(Half())


IMAGE = np.random.default_rng(6).poisson(90, (24, 30)).astype(np.uint8)


def test_the_model_itself_stays_as_it_is(model) -> None:
    before = refocus_image(model, IMAGE, 1.0)
    like_plugin = with_normalization(model, "plugin", IMAGE)
    levels = refocus_image(like_plugin, IMAGE, 1.0)
    assert levels.max() <= 255
    np.testing.assert_array_equal(levels, levels.round())
    np.testing.assert_array_equal(refocus_image(model, IMAGE, 1.0), before)
    again = with_normalization(like_plugin, "paper", IMAGE)
    np.testing.assert_array_equal(refocus_image(again, IMAGE, 1.0), before)


def test_old_versions_of_imagej_had_a_level_more(model) -> None:
    new, old = (
        refocus_image(with_normalization(model, rule, IMAGE), IMAGE, 1.0)
        for rule in ("plugin", "plugin-imagej-1.52")
    )
    assert 0 < np.mean(new != old) < 1
    assert set(np.unique(old - new)) == {0, 1}


def test_the_plugin_takes_integers_only(model) -> None:
    with pytest.raises(DeepZError, match="type float32"):
        with_normalization(model, "plugin", IMAGE.astype(np.float32))
