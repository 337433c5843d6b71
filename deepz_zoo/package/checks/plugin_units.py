"""The output of a package in the grey levels of its input, whatever its normalization."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from deepz_zoo.engines.engine import Engine, Tensor
from deepz_zoo.intensities.plugin_normalization import plugin_intensity_scale

if TYPE_CHECKING:
    from deepz_zoo.network.config import Normalization


def in_camera_units(engine: Engine, rule: Normalization) -> Engine:
    """Return an engine with the output in the unit of the camera image.

    The authors' Fiji plugin leaves background and scale out of its output. They are put back, so
    that a model can be compared with the ground truth; what the plugin clipped stays clipped.

    Parameters
    ----------
    engine
        Maps (b, c, ny, nx), the camera image first, to (b, n, ny, nx).
    rule
        The normalization of its graph.
    """
    return engine if rule == "paper" else _InCameraUnits(engine, rule)


class _InCameraUnits(Engine):
    def __init__(self, engine: Engine, rule: Normalization) -> None:
        self.name, self.weight_format = engine.name, engine.weight_format
        self._engine = engine
        self._dtype = np.dtype(np.uint8 if rule == "plugin-8bit" else np.uint16)

    def run(self, tensors: Sequence[Tensor]) -> list[Tensor]:
        outputs = self._engine.run(tensors)
        return [self._undo(*pair) for pair in zip(tensors, outputs, strict=True)]

    def _undo(self, tensor: Tensor, output: Tensor) -> Tensor:
        highest = np.iinfo(self._dtype).max
        images = np.clip(np.rint(tensor[:, 0]), 0, highest).astype(self._dtype)
        scales = [plugin_intensity_scale(image) for image in images]
        planes = zip(scales, output, strict=True)
        return np.stack([scale.undo(plane / highest) for scale, plane in planes])
