"""A model with another normalization than its own."""

from __future__ import annotations

from typing import Any, Literal

from numpy.typing import NDArray

from deepz_zoo.images import StoredPixels
from deepz_zoo.intensities.plugin_normalization import plugin_bits
from deepz_zoo.network.graph.plugin_normalization import PluginNormalization
from deepz_zoo.network.graph.wrapper import DeepZModel

ImageNormalization = Literal["paper", "plugin", "plugin-imagej-1.52"]
"""The paper's, the plugin's, or the plugin's with ImageJ up to version 1.52."""


def with_normalization(
    model: DeepZModel, normalization: ImageNormalization, pixels: NDArray[Any] | StoredPixels
) -> DeepZModel:
    """Return `model` with another normalization, for images such as those of `pixels`.

    Parameters
    ----------
    model
        Any model; its network is shared.
    normalization
        ``"paper"`` is the paper's. ``"plugin"`` gives the pixel values of the authors' Fiji plugin:
        its normalization, and its grey levels for the image's bits per pixel.
        ``"plugin-imagej-1.52"`` rounds to 8 bits as ImageJ did up to that version.
    pixels
        Of an image or a series; their type gives the bits per pixel.

    Raises
    ------
    DeepZError
        If the plugin's is asked for and the image is not of 8 or 16 bits.
    """
    twin = DeepZModel(model.generator, model.dpm_scale_um).eval()
    if normalization != "paper":
        old = normalization == "plugin-imagej-1.52"
        twin.normalization = PluginNormalization(plugin_bits(pixels), imagej_1_52=old)
    return twin
