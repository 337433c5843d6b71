"""Metrics of refocused images and of their inputs, gathered point by point of a curve."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Hashable
from typing import TYPE_CHECKING

import numpy as np

from deepz_zoo.intensities.noise import signal_to_noise
from deepz_zoo.records.accuracy import ImageMetrics
from deepz_zoo.records.limits import LimitPoint

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from torch import nn

    from deepz_zoo.experiments.planes import Planes


class Comparison:
    """Compares refocused planes with the ground truth, and their inputs as they are."""

    def __init__(self, model: nn.Module) -> None:
        self._model = model
        self._refocused: dict[Hashable, list[ImageMetrics]] = defaultdict(list)
        self._input: dict[Hashable, list[ImageMetrics]] = defaultdict(list)
        self._ratios: dict[Hashable, list[float]] = defaultdict(list)

    def add(self, key: Hashable, planes: Planes, source: int, target: int) -> NDArray[np.float32]:
        """Refocus one plane onto another, keep the metrics under a key, and return the image."""
        refocused = planes.refocused(self._model, source, target)
        self._refocused[key].append(planes.metrics(refocused, target))
        self._input[key].append(planes.metrics(planes.camera[source], target))
        ratio = signal_to_noise(planes.camera[source])
        if ratio is not None:
            self._ratios[key].append(ratio)
        return refocused

    def point(self, key: Hashable, value: float) -> LimitPoint:
        """Return the means under a key as a point of a curve at `value`."""
        ratios = self._ratios[key]
        return LimitPoint(
            value=value,
            images=len(self._refocused[key]),
            model=ImageMetrics.mean_of(self._refocused[key]),
            input=ImageMetrics.mean_of(self._input[key]),
            signal_to_noise=float(f"{np.median(ratios):.3g}") if ratios else None,
        )
