"""Sources of pairs of planes: simulated stacks and prepared datasets, with one interface."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np
import torch
from numpy.typing import NDArray

from deepz_zoo.errors import DeepZError
from deepz_zoo.intensities import IntensityScale, intensity_scale
from deepz_zoo.preprocess.dataset.storage import Pair, PreparedDataset
from deepz_zoo.records.dataset import SAME_MODALITY, Split
from deepz_zoo.simulate.camera import Camera, Exposure
from deepz_zoo.training.cache import StackCache

_ROUNDING_UM = 1e-6
_IN_FOCUS_FRACTION = 0.5


class PairSource(Protocol):
    """Pairs of one split, read plane by plane; all planes have the same shape.

    Images are in grey levels, float32. Targets have the units of their input, so that one scale
    normalizes both.
    """

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns of every plane."""
        ...

    def draw(self, distances_um: tuple[float, float], rng: np.random.Generator) -> Pair:
        """Draw a pair of planes whose distance is between the two values."""
        ...

    def image(self, pair: Pair) -> NDArray[np.float32]:
        """Return the input plane as the camera acquired it."""
        ...

    def target(self, pair: Pair) -> NDArray[np.float32]:
        """Return the plane that the network should return."""
        ...

    def single_image_scale(self, pair: Pair) -> IntensityScale:
        """Return the intensity scale of the input plane by itself."""
        ...

    def stack_scale(self, pair: Pair) -> IntensityScale:
        """Return the intensity scale of the whole stack."""
        ...


@dataclass(frozen=True)
class SimulatedPairs:
    """Pairs of simulated stacks, to validate with; the target is the plane without noise.

    Stacks have low and realistic noise by turns. The same pair is the same images each time.

    Attributes
    ----------
    cache
        The simulated stacks; the region of a pair is the index of its stack.
    stacks
        Indices of the stacks to draw from.
    """

    cache: StackCache
    stacks: range

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns of the stacks."""
        return self.cache.light.shape[2], self.cache.light.shape[3]

    def draw(self, distances_um: tuple[float, float], rng: np.random.Generator) -> Pair:
        """Draw any pair of planes of one stack, half of the targets by their contrast.

        The largest distance must lead from any plane to at least one end of the stack.
        """
        cache = self.cache
        stack = int(rng.integers(self.stacks.start, self.stacks.stop))
        nz = len(cache.z_um)
        if rng.random() < _IN_FOCUS_FRACTION:
            weights = cache.contrast[stack].astype(np.float64) ** 2
            target = int(rng.choice(nz, p=weights / weights.sum()))
        else:
            target = int(rng.integers(nz))
        distance = np.abs(cache.z_um - cache.z_um[target])
        shortest, farthest = distances_um
        fitting = np.flatnonzero(
            (distance >= shortest - _ROUNDING_UM) & (distance <= farthest + _ROUNDING_UM)
        )
        source = int(rng.choice(fitting))
        return Pair(stack, source, target, float(cache.z_um[target] - cache.z_um[source]))

    def image(self, pair: Pair) -> NDArray[np.float32]:
        """Return the input plane with its noise."""
        electrons = self._electrons(self.cache.light, pair.region, pair.source)
        noise = torch.Generator().manual_seed(pair.region * len(self.cache.z_um) + pair.source)
        return Camera().expose(electrons, noise).numpy()

    def target(self, pair: Pair) -> NDArray[np.float32]:
        """Return the target plane without noise."""
        electrons = self._electrons(self.cache.target, pair.region, pair.target)
        return Camera().expected(electrons).numpy()

    def single_image_scale(self, pair: Pair) -> IntensityScale:
        """Return the intensity scale of the input plane by itself."""
        return intensity_scale(self.image(pair))

    def stack_scale(self, pair: Pair) -> IntensityScale:
        """Return the intensity scale of the whole stack."""
        background, scale = map(float, self.cache.scale[pair.region])
        camera, exposure = Camera(), self._exposure(pair.region)
        gain = camera.electrons_per_grey_level
        light = background * exposure.peak + exposure.background
        return IntensityScale(camera.offset + light / gain, scale * exposure.peak / gain)

    def _electrons(self, planes: NDArray[np.float16], stack: int, plane: int) -> torch.Tensor:
        light = torch.from_numpy(planes[stack, plane].astype(np.float32))
        return self._exposure(stack).electrons(light, brightest=1.0)

    def _exposure(self, stack: int) -> Exposure:
        noise = "low" if stack % 2 == 0 else "realistic"
        return Exposure.draw(noise, torch.Generator().manual_seed(stack))


class PreparedPairs:
    """Pairs of one split of a prepared dataset.

    A target of another modality is mapped so that its background and scale become those of the
    stack of its input.

    Raises
    ------
    DeepZError
        If the split is empty.
    """

    def __init__(self, dataset: PreparedDataset, split: Split) -> None:
        self.dataset = dataset
        pairs = dataset.pairs(split)
        if not pairs:
            raise DeepZError(
                f"{dataset.path} has no {split} pairs; prepare it from more or larger stacks"
            )
        # Ordered by distance, so that the pairs of a range of distances are contiguous.
        self.pairs = sorted(pairs, key=lambda pair: abs(pair.distance_um))
        self._distances_um = np.abs([pair.distance_um for pair in self.pairs])
        self._same_modality = dataset.manifest.target_modality == SAME_MODALITY
        side = min(region.size_px for region in dataset.regions)
        self._window = slice(0, side)

    def __len__(self) -> int:
        return len(self.pairs)

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns of the smallest region, to which all are cropped."""
        return self._window.stop, self._window.stop

    def draw(self, distances_um: tuple[float, float], rng: np.random.Generator) -> Pair:
        """Draw one of the prepared pairs; any of them, if none has such a distance."""
        shortest, farthest = distances_um
        first = int(np.searchsorted(self._distances_um, shortest - _ROUNDING_UM))
        end = int(np.searchsorted(self._distances_um, farthest + _ROUNDING_UM, side="right"))
        if first == end:
            first, end = 0, len(self.pairs)
        return self.pairs[int(rng.integers(first, end))]

    def image(self, pair: Pair) -> NDArray[np.float32]:
        """Return the aligned input plane of the region."""
        return self.dataset.image(pair.region, pair.source, self._window, self._window)

    def target(self, pair: Pair) -> NDArray[np.float32]:
        """Return the target plane of the region."""
        target = self.dataset.target(pair.region, pair.target, self._window, self._window)
        if self._same_modality:
            return target
        own = IntensityScale(*self.dataset.regions[pair.region].target_scale)
        return self.stack_scale(pair).undo(own.apply(target))

    def single_image_scale(self, pair: Pair) -> IntensityScale:
        """Return the intensity scale of the input plane by itself."""
        return IntensityScale(*self.dataset.regions[pair.region].single_image_scale[pair.source])

    def stack_scale(self, pair: Pair) -> IntensityScale:
        """Return the intensity scale of the stack's extended-depth-of-field image."""
        return IntensityScale(*self.dataset.regions[pair.region].stack_scale)
