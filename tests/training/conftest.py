"""Tiny simulated stacks, a tiny prepared dataset and settings for runs of a few seconds."""

from __future__ import annotations

from pathlib import Path

import pytest

from deepz_zoo.optics import ImagingSystem
from deepz_zoo.training.cache import StackCache
from deepz_zoo.training.presets import TrainingSettings
from deepz_zoo.training.simulation import build_cache
from tests.builders import SYSTEM, TinyDataset, tiny_settings


@pytest.fixture(scope="session")
def system() -> ImagingSystem:
    return SYSTEM


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
    return build_cache(folder, system, stacks=5, stack_px=48, seed=0, progress_bar=False)


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
