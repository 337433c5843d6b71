"""A subject whose stack needs no simulator, and models whose output is known beforehand."""

from __future__ import annotations

import numpy as np
import torch
from torch import nn

from deepz_zoo.evaluation.reference import ReferenceStack
from deepz_zoo.experiments.planes import Planes
from deepz_zoo.experiments.subject import Subject
from tests.builders import SYSTEM, blurred_stack
from tests.evaluation.stand_ins import StandIn

STACK = ReferenceStack.of(blurred_stack())
"""41 planes, 0.5 µm apart, the middle one at z = 0."""
PLANES = Planes.simulated(STACK)


class Perfect(StandIn):
    """Returns the ground truth of a stack within a distance, and its input beyond it."""

    def __init__(self, planes: Planes = PLANES, half_range_um: float = np.inf) -> None:
        super().__init__()
        self.planes, self.half_range_um = planes, half_range_um

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        planes, dz = self.planes, float(x[0, 1].mean())
        given = x[0, 0].numpy()
        (source,) = np.flatnonzero((planes.camera.astype(given.dtype) == given).all(axis=(1, 2)))
        if abs(dz) > self.half_range_um + 1e-3:
            return x[:, :1]
        truth = planes.ground_truth[planes.nearest(planes.z_um[source] + dz)]
        return torch.from_numpy(truth)[None, None]


def subject(model: nn.Module, *, quick: bool = True) -> Subject:
    return Subject(model, SYSTEM, PLANES, quick=quick)
