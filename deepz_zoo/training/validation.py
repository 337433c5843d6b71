"""Whole images to validate with, as users have them."""

from __future__ import annotations

import numpy as np
import torch
from torch.utils.data import Dataset

from deepz_zoo.training.simulated_batches import Sample
from deepz_zoo.training.sources import PairSource


class ValidationPairs(Dataset[Sample]):
    """Whole camera images with their DPM in µm, so that accuracy is that of the users' graph.

    A sample's ``stack_scale`` is the background and the scale of the input's stack.
    """

    def __init__(self, source: PairSource, z_range_um: float, length: int) -> None:
        rng = np.random.default_rng(0)
        self.source = source
        drawn = (source.draw((0, z_range_um), rng) for _ in range(length))
        self.pairs = list(dict.fromkeys(drawn))

    def __len__(self) -> int:
        return len(self.pairs)

    def __getitem__(self, index: int) -> Sample:
        pair, source = self.pairs[index], self.source
        image, scale = source.image(pair), source.stack_scale(pair)
        dpm = np.full_like(image, pair.distance_um)
        return {
            "input": torch.from_numpy(np.stack([image, dpm])),
            "target": torch.from_numpy(source.target(pair)[None]),
            "stack_scale": torch.tensor([scale.background, scale.scale]),
        }
