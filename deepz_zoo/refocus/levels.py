"""Background and scale of an image of any size."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from deepz_zoo.network.graph.normalization import LoneImageNormalization
from deepz_zoo.network.graph.plugin_normalization import PluginNormalization

Levels = tuple[torch.Tensor, torch.Tensor]

WHOLE_PX = 2**22
"""Pixels that are measured at once, by the graph that users of packages run."""
PART_PX = 2**20
"""Pixels of a part of a larger image: the smaller, the less memory is left in pieces."""


def measure_levels(
    normalization: LoneImageNormalization | PluginNormalization, image: NDArray[Any]
) -> Levels:
    """Return background and scale of an image, each (1, 1, 1, 1), float32 on the CPU.

    Parameters
    ----------
    normalization
        Of a model.
    image
        Camera image, shape (y, x); large ones are measured in parts, with the same result.
    """
    with torch.inference_mode():
        if image.size <= WHOLE_PX:
            whole: Levels = normalization(_tensor(image))
            return whole
        return normalization.of_parts(_Parts(image))


class _Parts:
    """Rows of an image as tensors (1, 1, rows, x), which are made when they are gone through."""

    def __init__(self, image: NDArray[Any]) -> None:
        self.image = image

    def __iter__(self) -> Iterator[torch.Tensor]:
        rows = max(PART_PX // self.image.shape[1], 1)
        for first in range(0, len(self.image), rows):
            yield _tensor(self.image[first : first + rows])


def _tensor(image: NDArray[Any]) -> torch.Tensor:
    return torch.from_numpy(np.array(image, dtype=np.float32))[None, None]
