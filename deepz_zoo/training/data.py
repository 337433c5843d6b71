"""Pairs of planes of a stack: the input with its DPM, and the plane that it should become."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytorch_lightning as pl
import torch
from torch.utils.data import DataLoader, Dataset

from deepz_zoo.network.wrapper import DPM_SCALE_UM
from deepz_zoo.optics import ImagingSystem
from deepz_zoo.simulate.camera import Camera
from deepz_zoo.training.cache import StackCache, build_cache
from deepz_zoo.training.presets import TrainingSettings

Sample = dict[str, torch.Tensor]

# A lone image of a user shows more or less of a specimen than a training stack does: its scale
# varies by about this much, in natural logarithm, and its background by this part of the scale.
_SCALE_JITTER = 0.2
_BACKGROUND_JITTER = 0.02
_IN_FOCUS_SHARE = 0.5
_WINDOWS = 4
_ANY_WINDOW_SHARE = 0.2
_VALIDATION_SHARE = 0.05


@dataclass(frozen=True)
class PairIndex:
    """Which stack, which input plane and which target plane."""

    stack: int
    source: int
    target: int


def farthest_um(system: ImagingSystem, patch_px: int) -> float:
    """Return the distance at which the blur of a point fills half the side of a patch.

    A patch that is smaller than the blur cannot tell where its light comes from.
    """
    lens = system.objective
    sine = lens.numerical_aperture / lens.immersion_index
    tangent = sine / math.sqrt(1 - sine**2)
    return min(system.z_range_um, patch_px * system.pixel_size_um / (4 * tangent))


def draw_pair(
    cache: StackCache, stacks: range, distances_um: tuple[float, float], rng: np.random.Generator
) -> PairIndex:
    """Draw a pair that is so far apart, at least and at most; half of the targets are near focus.

    The largest distance reaches at least to one end of the stack from anywhere in it.
    """
    stack = int(rng.integers(stacks.start, stacks.stop))
    nz = len(cache.z_um)
    if rng.random() < _IN_FOCUS_SHARE:
        weights = cache.contrast[stack].astype(np.float64) ** 2
        target = int(rng.choice(nz, p=weights / weights.sum()))
    else:
        target = int(rng.integers(nz))
    distance = np.abs(cache.z_um - cache.z_um[target])
    shortest, farthest = distances_um
    fitting = np.flatnonzero((distance >= shortest - 1e-6) & (distance <= farthest + 1e-6))
    return PairIndex(stack, int(rng.choice(fitting)), target)


class PatchPairs(Dataset[Sample]):
    """Random patches of random pairs, normalized and augmented; the network's own units."""

    def __init__(
        self,
        cache: StackCache,
        stacks: range,
        system: ImagingSystem,
        settings: TrainingSettings,
        length: int,
    ) -> None:
        self.cache, self.stacks, self.system = cache, stacks, system
        self.settings, self.length = settings, length

    def __len__(self) -> int:
        return self.length

    def __getitem__(self, index: int) -> Sample:
        # torch's generator differs between workers and epochs, and a seed fixes it.
        rng = np.random.default_rng(int(torch.randint(2**62, ()).item()))
        size, distances_um = self._patch(index // self.settings.batch_size)
        pair = draw_pair(self.cache, self.stacks, distances_um, rng)
        rows, columns = self._window(pair, size, rng)
        image = self.cache.camera[pair.stack, pair.source, rows, columns].astype(np.float32)
        light = self.cache.light[pair.stack, pair.target, rows, columns].astype(np.float32)
        target = light + Camera().offset
        background, scale = self._scale(pair, rng)
        turns, flip = int(rng.integers(4)), rng.random() < 0.5
        image, target = (np.rot90((a - background) / scale, turns) for a in (image, target))
        if flip:
            image, target = image[:, ::-1], target[:, ::-1]
        distance = self.cache.z_um[pair.target] - self.cache.z_um[pair.source]
        dpm = np.full_like(image, distance / DPM_SCALE_UM)
        return {
            "input": torch.from_numpy(np.stack([image, dpm])),
            "target": torch.from_numpy(target[None].copy()),
        }

    def _patch(self, batch: int) -> tuple[int, tuple[float, float]]:
        """Return size and distances of a batch: large patches for what small ones do not hold."""
        settings, farthest = self.settings, self.system.z_range_um
        share = settings.small_share
        held = farthest_um(self.system, settings.small_patch_px)
        if int((batch + 1) * share) > int(batch * share):
            return settings.small_patch_px, (0.0, held)
        return settings.patch_px, (held if share and held < farthest else 0.0, farthest)

    def _window(self, pair: PairIndex, size: int, rng: np.random.Generator) -> tuple[slice, slice]:
        """Of some random windows usually take the one in which the target has most contrast."""
        room = self.cache.light.shape[2] - size + 1
        windows = [
            (slice(y, y + size), slice(x, x + size))
            for y, x in rng.integers(0, room, (_WINDOWS, 2))
        ]
        if rng.random() < _ANY_WINDOW_SHARE:
            return windows[0]
        plane = self.cache.light[pair.stack, pair.target]
        contrast = [plane[w][::4, ::4].astype(np.float32).std() for w in windows]
        return windows[int(np.argmax(contrast))]

    def _scale(self, pair: PairIndex, rng: np.random.Generator) -> tuple[float, float]:
        if rng.random() < self.settings.lone_image_share:
            background, scale = self.cache.lone_scale[pair.stack, pair.source]
        else:
            background, scale = self.cache.stack_scale[pair.stack]
        scale = scale * np.exp(_SCALE_JITTER * rng.standard_normal())
        background = background + _BACKGROUND_JITTER * scale * rng.standard_normal()
        return float(background), float(scale)


class ValidationPairs(Dataset[Sample]):
    """Whole raw planes with their DPM in µm: accuracy is measured as a user gets it."""

    def __init__(self, cache: StackCache, stacks: range, z_range_um: float, length: int) -> None:
        rng = np.random.default_rng(0)
        self.cache = cache
        self.pairs = [draw_pair(cache, stacks, (0, z_range_um), rng) for _ in range(length)]

    def __len__(self) -> int:
        return len(self.pairs)

    def __getitem__(self, index: int) -> Sample:
        pair, cache = self.pairs[index], self.cache
        image = cache.camera[pair.stack, pair.source].astype(np.float32)
        light = cache.light[pair.stack, pair.target].astype(np.float32)
        distance = cache.z_um[pair.target] - cache.z_um[pair.source]
        dpm = np.full_like(image, distance)
        return {
            "input": torch.from_numpy(np.stack([image, dpm])),
            "target": torch.from_numpy(light[None] + Camera().offset),
            "scale": torch.tensor(float(cache.stack_scale[pair.stack, 1])),
        }


class SimulatedData(pl.LightningDataModule):
    """Simulated stacks of one imaging system, split into training and validation stacks.

    Parameters
    ----------
    folder
        Where the stacks are kept.
    workers
        Processes that cut patches.
    """

    def __init__(
        self,
        system: ImagingSystem,
        settings: TrainingSettings,
        folder: Path,
        *,
        seed: int,
        device: str = "cpu",
        workers: int = 0,
        progress: bool = True,
    ) -> None:
        super().__init__()
        self.system, self.run_settings, self.folder = system, settings, folder
        self.seed, self.device, self.workers, self.progress = seed, device, workers, progress
        self.cache: StackCache | None = None

    def setup(self, stage: str | None = None) -> None:
        """Simulate what is not there yet."""
        self.cache = build_cache(
            self.folder,
            self.system,
            stacks=self.run_settings.stacks,
            stack_px=self.run_settings.stack_px,
            seed=self.seed,
            device=self.device,
            progress=self.progress,
        )

    def _ready(self) -> StackCache:
        if self.cache is None:
            self.setup()
        assert self.cache is not None
        return self.cache

    def _split(self) -> int:
        stacks = self.run_settings.stacks
        return stacks - max(1, round(_VALIDATION_SHARE * stacks))

    def train_dataloader(self) -> DataLoader[Sample]:
        """Return one validation interval's worth of random patches."""
        settings = self.run_settings
        dataset = PatchPairs(
            self._ready(),
            range(self._split()),
            self.system,
            settings,
            settings.batch_size * settings.validate_every,
        )
        return DataLoader(
            dataset,
            settings.batch_size,
            num_workers=self.workers,
            persistent_workers=self.workers > 0,
        )

    def val_dataloader(self) -> DataLoader[Sample]:
        """Return fixed pairs of stacks, specimens and microscopes that are not trained on."""
        stacks = range(self._split(), self.run_settings.stacks)
        pairs = ValidationPairs(
            self._ready(), stacks, self.system.z_range_um, self.run_settings.validation_pairs
        )
        return DataLoader(pairs, batch_size=4)
