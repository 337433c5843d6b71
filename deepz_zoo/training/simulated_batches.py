"""Batches of simulated pairs, made at once in torch on the device that trains."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import torch

from deepz_zoo.network.graph.normalization import LoneImageNormalization
from deepz_zoo.network.graph.wrapper import DPM_SCALE_UM
from deepz_zoo.optics import ImagingSystem
from deepz_zoo.simulate.camera import (
    BACKGROUNDS,
    LARGEST_GRADIENT,
    LOW_NOISE_BACKGROUND,
    LOW_NOISE_PEAK,
    PEAKS,
    Camera,
)
from deepz_zoo.simulate.shot_noise import fast_shot_noise
from deepz_zoo.training.artifacts import Artifacts
from deepz_zoo.training.cache import StackCache
from deepz_zoo.training.draws import Draws
from deepz_zoo.training.presets import TrainingSettings
from deepz_zoo.training.surfaces import draw_surfaces

Sample = dict[str, torch.Tensor]

_WINDOWS = 4
_ANY_WINDOW_FRACTION = 0.2
# The scale of an image is measured on every second row and column: a quarter of the work.
_SCALE_STEP = 2
_SCALE_LEVELS = 4096
_ROUNDING_UM = 1e-6


@dataclass(frozen=True)
class Planes:
    """Which planes of which stacks the images of a batch are: indices, shape (b, 1, 1) each."""

    stack: torch.Tensor
    source: torch.Tensor
    target: torch.Tensor


@dataclass(frozen=True)
class Exposures:
    """Expected electrons of images: those of the brightest pixel of the stack, and background.

    The background changes from the center of the image to its edge by a relative `gradient`,
    shape (b, 2, 1, 1): along y and x.
    """

    peak: torch.Tensor
    background: torch.Tensor
    gradient: torch.Tensor

    @classmethod
    def draw(cls, draws: Draws) -> Exposures:
        """Draw exposures as `Exposure.draw` does; every second image has low noise."""
        low_noise = (torch.arange(draws.images, device=draws.device) % 2 == 0)[:, None, None]
        strength, angle = draws.uniform(0, LARGEST_GRADIENT), draws.uniform(0, 2 * math.pi)
        return cls(
            torch.where(low_noise, LOW_NOISE_PEAK, draws.log_uniform(*PEAKS)),
            torch.where(low_noise, LOW_NOISE_BACKGROUND, draws.log_uniform(*BACKGROUNDS)),
            strength[:, None] * torch.stack([torch.sin(angle), torch.cos(angle)], dim=1),
        )

    def electrons(
        self, light: torch.Tensor, y: torch.Tensor, x: torch.Tensor, side: int
    ) -> torch.Tensor:
        """Expose relative light (b, ny, nx) at the pixels y and x of images of a side."""
        along_y, along_x = (2 * position / (side - 1) - 1 for position in (y, x))
        ramp = self.gradient[:, 0] * along_y + self.gradient[:, 1] * along_x
        return light * self.peak + self.background * (1 + ramp)


class SimulatedBatches:
    """Makes batches of patches from the light of simulated stacks.

    Every image is exposed anew, with the camera's noise, and normalized as a single image is; some
    have the artifacts of a camera. Nothing is done image by image.

    Parameters
    ----------
    cache
        The stacks; on a CUDA device they are copied into its memory if they fit.
    stacks
        Indices of the stacks to draw from.
    device
        Where the batches are made.
    """

    def __init__(
        self,
        cache: StackCache,
        stacks: range,
        system: ImagingSystem,
        settings: TrainingSettings,
        *,
        device: torch.device | str = "cpu",
    ) -> None:
        self.settings, self.system, self.stacks = settings, system, stacks
        self.device = torch.device(device)
        self.camera, self.normalize = Camera(), LoneImageNormalization(_SCALE_LEVELS)
        self.side = cache.light.shape[3]
        self.light = _on_device(cache.light, self.device)
        same = cache.target is cache.light
        self.target = self.light if same else _on_device(cache.target, self.device)
        self.contrast, self.scale, self.z_um = (
            torch.tensor(np.asarray(array), dtype=torch.float32, device=self.device)
            for array in (cache.contrast, cache.scale, cache.z_um)
        )
        self.step_um = float(cache.z_um[1] - cache.z_um[0])

    def batch(
        self, seed: int, size_px: int, distances_um: tuple[float, float], *, surfaces: bool = False
    ) -> Sample:
        """Make a batch; the same seed makes the same one on the same device.

        Parameters
        ----------
        size_px
            Side of the patches.
        distances_um
            Shortest and longest distance between source and target.
        surfaces
            Whether a fraction of the DPMs, `surface_fraction`, is tilted or curved.

        Returns
        -------
        dict of str to torch.Tensor
            ``input`` (b, 2, size, size) and ``target`` (b, 1, size, size), normalized.
        """
        generator = torch.Generator(self.device).manual_seed(seed)
        draws = Draws(generator, self.settings.batch_size)
        planes = self._planes(distances_um, draws)
        y, x = self._windows(planes, size_px, draws)
        distance = self.z_um[planes.target] - self.z_um[planes.source]
        dpm = distance.expand(y.shape)
        if surfaces and self.settings.surface_fraction:
            curved = draws.coin(self.settings.surface_fraction)
            half_range = self.system.z_range_um
            dpm = torch.where(curved, draw_surfaces(distance, size_px, half_range, draws), dpm)
            truth, dpm = self._interpolated(planes, dpm, y, x)
        else:
            truth = self._take(self.target, planes, planes.target, y, x)
        exposures = Exposures.draw(draws)
        artifacts = Artifacts.draw(self.settings.artifact_fraction, size_px, draws)
        light = self._take(self.light, planes, planes.source, y, x)
        electrons = exposures.electrons(light, y, x, self.side)
        counted = fast_shot_noise(electrons, generator)
        image = artifacts.on_patch(self.camera.read_out(counted, generator))
        clean = self.camera.expected(exposures.electrons(truth, y, x, self.side))
        background, scale = self._scales(planes, exposures, artifacts, draws)
        inputs, target = ((grey - background) / scale for grey in (image, clean))
        return {
            "input": torch.stack([inputs, dpm / DPM_SCALE_UM], dim=1),
            "target": target[:, None],
        }

    def _planes(self, distances_um: tuple[float, float], draws: Draws) -> Planes:
        """Draw stacks and planes: a fraction of the targets near focus, the others anywhere."""
        stack = draws.integers(self.stacks.start, self.stacks.stop)
        nz = len(self.z_um)
        near = draws.index(self.contrast[stack[:, 0, 0]].square())
        target = torch.where(
            draws.coin(self.settings.in_focus_fraction), near, draws.integers(0, nz)
        )
        distance = (self.z_um - self.z_um[target[:, 0]]).abs()
        shortest, farthest = distances_um
        fitting = (distance >= shortest - _ROUNDING_UM) & (distance <= farthest + _ROUNDING_UM)
        return Planes(stack, draws.index(fitting.float()), target)

    def _windows(
        self, planes: Planes, size_px: int, draws: Draws
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Draw windows, usually those of some in which the target has most contrast.

        Returns rows and columns of their pixels, (b, size, size) each, turned and flipped: any of
        the eight symmetries of a square, another one for each image.
        """
        first_y, first_x = (draws.integers(0, self.side - size_px + 1, _WINDOWS) for _ in range(2))
        coarse = torch.arange(0, size_px, 4, device=self.device)
        y, x = first_y[..., None] + coarse[:, None], first_x[..., None] + coarse
        seen = self._take(self.target, planes, planes.target[..., None], y, x)
        best = seen.flatten(2).std(dim=2).argmax(dim=1)[:, None, None]
        chosen = torch.where(draws.coin(_ANY_WINDOW_FRACTION), torch.zeros_like(best), best)
        pixels = torch.arange(size_px, device=self.device)
        down, right = torch.meshgrid(pixels, pixels, indexing="ij")
        if self.settings.turn:
            swapped, flip_y, flip_x = (draws.coin() for _ in range(3))
            down, right = torch.where(swapped, right, down), torch.where(swapped, down, right)
            down = torch.where(flip_y, size_px - 1 - down, down)
            right = torch.where(flip_x, size_px - 1 - right, right)
        return first_y.gather(1, chosen) + down, first_x.gather(1, chosen) + right

    def _interpolated(
        self, planes: Planes, dpm: torch.Tensor, y: torch.Tensor, x: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Return the light on surfaces, linear between planes, and the DPMs within the stacks."""
        nz = len(self.z_um)
        depth = (planes.source + dpm / self.step_um).clamp(0, nz - 1)
        # The quotient of two rounded numbers is not quite the index of a plane.
        depth = torch.where((depth - depth.round()).abs() < 1e-3, depth.round(), depth)
        below = depth.floor().long().clamp(max=nz - 2)
        near, far = (self._take(self.target, planes, z, y, x) for z in (below, below + 1))
        truth = torch.lerp(near, far, depth - below)
        return truth, (depth - planes.source) * self.step_um

    def _scales(
        self, planes: Planes, exposures: Exposures, artifacts: Artifacts, draws: Draws
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Return background and scale of each image, varied; (b, 1, 1) each.

        A fraction takes those of the image itself, as at inference; the others those of its stack.
        """
        settings = self.settings
        coarse = torch.arange(0, self.side, _SCALE_STEP, device=self.device)
        y, x = coarse[None, :, None], coarse[None, None, :]
        light = self._take(self.light, planes, planes.source, y, x)
        electrons = exposures.electrons(light, y, x, self.side)
        counted = fast_shot_noise(electrons, draws.generator)
        grey = artifacts.on_image(self.camera.read_out(counted, draws.generator))
        background, scale = (values[:, 0] for values in self.normalize(grey[:, None]))
        stack_background, stack_scale = self.scale[planes.stack[:, 0, 0]].T[:, :, None, None]
        gain = self.camera.electrons_per_grey_level
        light_background = stack_background * exposures.peak + exposures.background
        alone = draws.coin(settings.single_image_fraction)
        background = torch.where(alone, background, self.camera.offset + light_background / gain)
        scale = torch.where(alone, scale, stack_scale * exposures.peak / gain)
        scale = scale * torch.exp(draws.normal(settings.scale_jitter))
        return background + scale * draws.normal(settings.background_jitter), scale

    def _take(
        self,
        stacks: torch.Tensor,
        planes: Planes,
        z: torch.Tensor,
        y: torch.Tensor,
        x: torch.Tensor,
    ) -> torch.Tensor:
        """Read pixels of planes z, rows y and columns x, float32; the stacks may stay in memory."""
        stack = planes.stack.view(-1, *(1,) * (y.dim() - 1))
        place = (index.to(stacks.device) for index in (stack, z, y, x))
        return stacks[tuple(place)].to(self.device).float()


def _on_device(array: np.ndarray, device: torch.device) -> torch.Tensor:
    """Copy planes to a CUDA device; leave them in their file where they do not fit, or on a CPU."""
    mapped = torch.from_numpy(array)
    if device.type != "cuda":
        return mapped
    free, _ = torch.cuda.mem_get_info(device)
    # The other half is for the network, its gradients and its patches.
    return mapped.to(device) if array.nbytes < free / 2 else mapped
