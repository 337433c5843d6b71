"""Tiny simulated stacks, a tiny prepared dataset and settings for runs of a few seconds."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from deepz_zoo.intensities import intensity_scale
from deepz_zoo.network.config import GeneratorConfig
from deepz_zoo.optics import ImagingSystem, get_system
from deepz_zoo.preprocess.dataset.storage import Pair
from deepz_zoo.training.cache import StackCache, build_cache
from deepz_zoo.training.presets import TrainingSettings


@pytest.fixture(scope="session")
def system() -> ImagingSystem:
    return get_system("leica20x_0.8/TxRd")


def tiny_settings() -> TrainingSettings:
    """Settings of a run of four iterations, for the stacks of `folder`."""
    return TrainingSettings(
        generator=GeneratorConfig(width=0.08, levels=3),
        stacks=5,
        stack_px=48,
        patch_px=48,
        small_patch_px=32,
        small_share=0.5,
        batch_size=2,
        max_steps=4,
        validate_every=2,
        validation_pairs=3,
        warmup_steps=1,
        average=0.5,
    )


@pytest.fixture(scope="session")
def settings() -> TrainingSettings:
    return tiny_settings()


@pytest.fixture(scope="session")
def adversarial(settings: TrainingSettings) -> TrainingSettings:
    return settings.model_copy(
        update={"adversarial": True, "max_steps": 2, "validate_every": 1, "average": 0.0}
    )


@pytest.fixture(scope="session")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("stacks")


@pytest.fixture(scope="session")
def cache(folder: Path, system: ImagingSystem) -> StackCache:
    return build_cache(folder, system, stacks=5, stack_px=48, seed=0, progress=False)


class TinyDataset:
    """A prepared dataset in memory: two regions of three planes, and targets of their own."""

    def __init__(self, system: ImagingSystem, path: Path, target_modality: str = "same") -> None:
        rng = np.random.default_rng(1)
        light = np.zeros((2, 3, 64, 64))
        light[:, :, 20:40:4, 10:50:5] = [[[[40.0]], [[400.0]], [[80.0]]]]
        self.images = rng.poisson(100 + light).astype(np.float32)
        self.targets = self.images if target_modality == "same" else 7 + 0.25 * self.images
        self.path = path
        self.manifest = SimpleNamespace(
            system=system,
            target_modality=target_modality,
            fields=(None,),
            pair_counts={"training": 9, "validation": 9},
        )
        z_um = (-0.5, 0.0, 0.5)
        self.regions = tuple(
            SimpleNamespace(
                size_px=64,
                split=split,
                z_um=z_um,
                stack_scale=self._scale(self.images[index].max(axis=0)),
                target_scale=self._scale(self.targets[index].max(axis=0)),
                lone_scale=tuple(map(self._scale, self.images[index])),
            )
            for index, split in enumerate(("training", "validation"))
        )
        (path / "manifest.json").write_text("{}")

    @staticmethod
    def _scale(image: np.ndarray) -> tuple[float, float]:
        scale = intensity_scale(image)
        return scale.background, scale.scale

    def pairs(self, split: str) -> tuple[Pair, ...]:
        return tuple(
            Pair(index, source, target, region.z_um[target] - region.z_um[source])
            for index, region in enumerate(self.regions)
            for source in range(3)
            for target in range(3)
            if region.split == split
        )

    def image(self, region, plane, rows=slice(None), columns=slice(None)) -> np.ndarray:
        return self.images[region, plane, rows, columns]

    def target(self, region, plane, rows=slice(None), columns=slice(None)) -> np.ndarray:
        return self.targets[region, plane, rows, columns]


@pytest.fixture
def dataset(system: ImagingSystem, tmp_path: Path) -> TinyDataset:
    path = tmp_path / "mine"
    path.mkdir()
    return TinyDataset(system, path)


@pytest.fixture
def confocal(system: ImagingSystem, tmp_path: Path) -> TinyDataset:
    path = tmp_path / "confocal"
    path.mkdir()
    return TinyDataset(system, path, target_modality="confocal")
