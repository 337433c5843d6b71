"""One simulated stack as the ground truth that models are compared with."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from deepz_zoo.intensities import intensity_scale
from deepz_zoo.measure.metrics import image_metrics
from deepz_zoo.records.accuracy import ComparedMethod, ImageMetrics
from deepz_zoo.refocus import refocus_image

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from torch import nn

    from deepz_zoo.simulate import SimulatedStack

MIN_CONTRAST = 0.2
"""Standard deviation of a confocal plane, relative to that of the sharpest of its stack."""

Deconvolution = Callable[["NDArray[np.generic]", float], "NDArray[np.float32]"]
"""Makes an image of the plane Δz µm above a camera image from that image."""


@dataclass(frozen=True)
class ReferenceStack:
    """A simulated stack with what a comparison needs to know about it.

    Attributes
    ----------
    stack
        The stack.
    scale
        Intensity scale of the ground-truth stack: the camera units that count as 1.
    deconvolve
        The deconvolution to compare with, None for none.
    other
        Another model to compare with, None for none.
    """

    stack: SimulatedStack
    scale: float
    deconvolve: Deconvolution | None = None
    other: nn.Module | None = None

    @classmethod
    def of(
        cls,
        stack: SimulatedStack,
        deconvolve: Deconvolution | None = None,
        other: nn.Module | None = None,
    ) -> ReferenceStack:
        """Return a stack as a reference, with its intensity scale."""
        return cls(stack, intensity_scale(stack.ground_truth.max(axis=0)).scale, deconvolve, other)

    @property
    def z_um(self) -> NDArray[np.floating]:
        """Ascending stage positions of the planes, shape (nz,)."""
        return self.stack.z_um

    @property
    def step_um(self) -> float:
        """Distance between planes."""
        return float(np.mean(np.diff(self.z_um)))

    def planes_in_range(self) -> NDArray[np.intp]:
        """Return the indices of the planes within the axial range of the system."""
        return np.flatnonzero(np.abs(self.z_um) <= self.stack.system.z_range_um + 1e-3)

    def targets(self) -> NDArray[np.intp]:
        """Return the indices of the planes that a model is asked for.

        All within the range; but of confocal planes, which may miss the specimen, only those that
        show some of it: an error relative to no signal would outweigh all others.
        """
        planes = self.planes_in_range()
        if self.stack.confocal is None:
            return planes
        contrast = self.stack.confocal[planes].std(axis=(1, 2))
        shown: NDArray[np.intp] = planes[contrast >= MIN_CONTRAST * contrast.max()]
        return shown

    def draw_pairs(
        self, dz_um: float, count: int, random: np.random.Generator
    ) -> list[tuple[int, int]]:
        """Draw input planes of which the target is one of `targets`.

        Returns
        -------
        list of (int, int)
            Indices of input and target, at most `count` pairs.
        """
        shift = round(dz_um / self.step_um)
        planes = self.planes_in_range()
        sources = planes[np.isin(planes + shift, self.targets())]
        drawn = random.choice(sources, size=min(count, len(sources)), replace=False)
        return [(int(source), int(source + shift)) for source in drawn]

    def images(
        self, model: nn.Module, source: int, target: int
    ) -> Iterator[tuple[ComparedMethod, NDArray[np.generic]]]:
        """Yield what each method makes of plane ``source`` as an image of plane ``target``."""
        camera = self.stack.camera[source]
        dz = float(self.z_um[target] - self.z_um[source])
        yield "model", refocus_image(model, camera, dz)
        if self.other is not None:
            yield "other", refocus_image(self.other, camera, dz)
        yield "blank", np.full(camera.shape, self._background(target))
        yield "input", camera
        if self.deconvolve is not None:
            yield "richardson_lucy", self.deconvolve(camera, dz)

    def metrics(
        self, model: nn.Module, source: int, target: int
    ) -> Iterator[tuple[ComparedMethod, ImageMetrics]]:
        """Yield how near each method comes to the ground truth of plane ``target``."""
        ground_truth = self.stack.ground_truth[target]
        background = self._background(target)
        for method, image in self.images(model, source, target):
            yield (
                method,
                image_metrics(image, ground_truth, scale=self.scale, background=background),
            )

    def _background(self, target: int) -> float:
        return intensity_scale(self.stack.ground_truth[target]).background
