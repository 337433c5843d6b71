"""A stack to measure models on: what goes in, and what should come out, plane by plane."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from deepz_zoo.errors import DeepZError
from deepz_zoo.evaluation.measured import calibrated_planes
from deepz_zoo.images.stack import read_stack
from deepz_zoo.intensities import intensity_scale
from deepz_zoo.measure.metrics import image_metrics
from deepz_zoo.refocus import refocus_image

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from torch import nn

    from deepz_zoo.evaluation.reference import ReferenceStack
    from deepz_zoo.optics import ImagingSystem
    from deepz_zoo.records.accuracy import ImageMetrics


@dataclass(frozen=True)
class Planes:
    """Planes of one field of view at the model's pixel size, in camera units.

    Attributes
    ----------
    name
        Specimen of a simulated stack, file name of an acquired one.
    camera
        What goes into a model, shape (nz, ny, nx).
    ground_truth
        What should come out: planes without noise of a simulated stack, those of the camera
        itself of an acquired one; float32, shape (nz, ny, nx).
    z_um
        Ascending stage positions, shape (nz,); 0 is the middle of a simulated stack and the plane
        in focus of an acquired one.
    scale
        Intensity scale of the ground-truth stack: the camera units that count as 1.
    pixel_size_um
        That of the model.
    """

    name: str
    camera: NDArray[np.generic]
    ground_truth: NDArray[np.float32]
    z_um: NDArray[np.floating]
    scale: float
    pixel_size_um: float

    @classmethod
    def simulated(cls, reference: ReferenceStack) -> Planes:
        """Return the planes of a simulated stack."""
        stack = reference.stack
        return cls(
            stack.specimen,
            stack.camera,
            stack.ground_truth,
            stack.z_um,
            reference.scale,
            stack.system.pixel_size_um,
        )

    @classmethod
    def acquired(
        cls,
        path: Path,
        system: ImagingSystem,
        *,
        pixel_size_um: float | None = None,
        z_step_um: float | None = None,
        reverse: bool = False,
        input_channel: str | None = None,
    ) -> Planes:
        """Read an acquired stack and resample it to the model's pixel size.

        The parameters are those of `read_stack`.

        Raises
        ------
        DeepZError
            If it is not such a stack, has fewer than two planes or planes too far apart, or is too
            small.
        """
        image = read_stack(
            path,
            pixel_size_um=pixel_size_um,
            z_step_um=z_step_um,
            reverse=reverse,
            input_channel=input_channel,
        )
        assert image.pixel_size_um is not None
        assert image.z_step_um is not None
        planes, _ = calibrated_planes(image.data, system, image.pixel_size_um, image.z_step_um)
        in_focus = int(np.argmax(planes.std(axis=(1, 2))))
        if image.z_step_um > system.z_range_um:
            raise DeepZError(
                f"{path}: planes {image.z_step_um:g} µm apart; expected at most "
                f"{system.z_range_um:g} µm, the half-range of {system.name}: check the z step, or "
                "set `z_step_um`"
            )
        return cls(
            path.name,
            planes,
            planes,
            image.z_step_um * np.arange(-in_focus, len(planes) - in_focus, dtype=np.float64),
            intensity_scale(planes.max(axis=0)).scale,
            system.pixel_size_um,
        )

    @property
    def step_um(self) -> float:
        """Distance between planes."""
        return float(np.mean(np.diff(self.z_um)))

    @property
    def span_um(self) -> float:
        """Distance between the first and the last plane."""
        return float(self.z_um[-1] - self.z_um[0])

    def nearest(self, z_um: float) -> int:
        """Return the index of the plane nearest to a position."""
        return int(np.argmin(np.abs(self.z_um - z_um)))

    def within(self, z_um: float) -> list[int]:
        """Return the planes that lie at most `z_um` from z = 0."""
        return [int(plane) for plane in np.flatnonzero(np.abs(self.z_um) <= z_um + 1e-6)]

    def draw_pairs(
        self,
        dz_um: float,
        count: int,
        random: np.random.Generator,
        *,
        within_um: float = math.inf,
    ) -> list[tuple[int, int]]:
        """Draw at most `count` pairs of planes, input and target, that are Δz apart.

        No target is farther than `within_um` from z = 0.
        """
        shift = round(dz_um / self.step_um)
        sources = np.arange(max(0, -shift), len(self.z_um) - max(0, shift))
        sources = sources[np.abs(self.z_um[sources + shift]) <= within_um + 1e-6]
        drawn = random.choice(sources, size=min(count, len(sources)), replace=False)
        return [(int(source), int(source + shift)) for source in drawn]

    def refocused(self, model: nn.Module, source: int, target: int) -> NDArray[np.float32]:
        """Return what a model makes of one plane as an image of another."""
        return refocus_image(
            model, self.camera[source], float(self.z_um[target] - self.z_um[source])
        )

    def metrics(self, image: NDArray[np.generic], target: int) -> ImageMetrics:
        """Compare an image in camera units with the ground truth of a plane."""
        truth = self.ground_truth[target]
        background = intensity_scale(truth).background
        return image_metrics(image, truth, scale=self.scale, background=background)

    def normalized(self, image: NDArray[np.generic]) -> NDArray[np.float64]:
        """Return an image in units of the stack's intensity scale, above its background."""
        background = intensity_scale(self.ground_truth.max(axis=0)).background
        return (image.astype(np.float64) - background) / self.scale
