"""Patches of the pairs of prepared datasets: an input with its DPM, and its target."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray

from deepz_zoo.intensities import IntensityScale
from deepz_zoo.network.graph.wrapper import DPM_SCALE_UM
from deepz_zoo.training.presets import TrainingSettings
from deepz_zoo.training.simulated_batches import Sample
from deepz_zoo.training.sources import PreparedPairs

_WINDOWS = 4
_ANY_WINDOW_FRACTION = 0.2


class PatchPairs:
    """Random patches of random pairs, normalized and augmented, in the units of the network.

    Patches are numbered through the whole run: the same seed and number give the same patch in any
    process, before and after the run is resumed.

    Parameters
    ----------
    sources
        The pairs of datasets; each gets patches by the number of its pairs.
    """

    def __init__(
        self, sources: Sequence[PreparedPairs], settings: TrainingSettings, *, seed: int
    ) -> None:
        self.sources, self.settings, self.seed = list(sources), settings, seed
        pairs = np.array([len(source) for source in self.sources])
        self.fractions = pairs / pairs.sum()

    def patch(self, number: int, size: int, distances_um: tuple[float, float]) -> Sample:
        """Return a patch: ``input`` (2, size, size) and ``target`` (1, size, size)."""
        rng = np.random.default_rng((self.seed, number))
        source = self.sources[int(rng.choice(len(self.sources), p=self.fractions))]
        pair = source.draw(distances_um, rng)
        image, target = source.image(pair), source.target(pair)
        window = _window(target, size, rng)
        if rng.random() < self.settings.single_image_fraction:
            scale = source.single_image_scale(pair)
        else:
            scale = source.stack_scale(pair)
        scale = self._vary(scale, rng)
        turns, flip = int(rng.integers(4)), rng.random() < 0.5
        image, target = (scale.apply(a[window]) for a in (image, target))
        if self.settings.turn:
            image, target = (np.rot90(a, turns) for a in (image, target))
            if flip:
                image, target = image[:, ::-1], target[:, ::-1]
        dpm = np.full_like(image, pair.distance_um / DPM_SCALE_UM)
        return {
            "input": torch.from_numpy(np.stack([image, dpm])),
            "target": torch.from_numpy(target[None].copy()),
        }

    def _vary(self, scale: IntensityScale, rng: np.random.Generator) -> IntensityScale:
        settings = self.settings
        width = scale.scale * math.exp(settings.scale_jitter * rng.standard_normal())
        shift = settings.background_jitter * width * rng.standard_normal()
        return IntensityScale(scale.background + shift, width)


def _window(
    target: NDArray[np.float32], size: int, rng: np.random.Generator
) -> tuple[slice, slice]:
    """Draw some windows, and usually take the one in which the target has most contrast."""
    ny, nx = target.shape
    windows = [
        (slice(y, y + size), slice(x, x + size))
        for y, x in rng.integers(0, (ny - size + 1, nx - size + 1), (_WINDOWS, 2))
    ]
    if rng.random() < _ANY_WINDOW_FRACTION:
        return windows[0]
    return windows[int(np.argmax([target[window][::4, ::4].std() for window in windows]))]
