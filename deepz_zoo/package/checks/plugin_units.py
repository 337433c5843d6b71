"""The output of a package in the grey levels of its input, whatever rule its graph follows."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from deepz_zoo.intensities.plugin_normalization import plugin_intensity_scale

if TYPE_CHECKING:
    from deepz_zoo.network.config import Normalization
    from deepz_zoo.package.checks.formats import Predict


def in_camera_units(predict: Predict, rule: Normalization) -> Predict:
    """Return `predict` with its output in the unit of the camera image.

    The authors' Fiji plugin leaves background and scale out of its output. They are put back, so
    that a model can be compared with true planes; what it clipped stays clipped.

    Parameters
    ----------
    predict
        Maps (b, c, ny, nx), the camera image first, to (b, n, ny, nx).
    rule
        The normalization of its graph.
    """
    if rule == "paper":
        return predict
    dtype = np.dtype(np.uint8 if rule == "plugin-8bit" else np.uint16)
    highest = np.iinfo(dtype).max

    def undo(tensor: NDArray[np.float32]) -> NDArray[np.float32]:
        output = predict(tensor)
        images = np.clip(np.rint(tensor[:, 0]), 0, highest).astype(dtype)
        scales = [plugin_intensity_scale(image) for image in images]
        planes = zip(scales, output, strict=True)
        return np.stack([scale.undo(plane / highest) for scale, plane in planes])

    return undo
