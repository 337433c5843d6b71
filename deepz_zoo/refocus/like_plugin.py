"""A model that gives the pixel values of the authors' Fiji plugin."""

from __future__ import annotations

from typing import Any

from numpy.typing import NDArray

from deepz_zoo.intensities.plugin_normalization import plugin_bits
from deepz_zoo.network.graph.plugin_normalization import PluginNormalization
from deepz_zoo.network.graph.wrapper import DeepZModel


def like_plugin(model: DeepZModel, image: NDArray[Any], *, imagej_1_52: bool = False) -> DeepZModel:
    """Return `model` with the plugin's normalization and grey levels for images such as `image`.

    Parameters
    ----------
    model
        Any model; its network is shared.
    image
        An image or a series; its type says how many bits a pixel has.
    imagej_1_52
        Round to 8 bits as ImageJ did up to version 1.52.

    Raises
    ------
    DeepZError
        If the image is not of 8 or 16 bits.
    """
    twin = DeepZModel(model.generator, model.dpm_scale_um).eval()
    twin.normalization = PluginNormalization(plugin_bits(image), imagej_1_52=imagej_1_52)
    return twin
