"""A tiny model with its manifest, an example image that needs no simulator, and a package."""

from __future__ import annotations

import shutil
import zipfile
from pathlib import Path

import numpy as np
import pytest
import torch
from skimage.filters import gaussian

from deepz_zoo.network.config import GeneratorConfig
from deepz_zoo.network.generator import Generator
from deepz_zoo.network.graph.wrapper import DeepZModel
from deepz_zoo.optics import get_system
from deepz_zoo.optics.psf import PsfParameters
from deepz_zoo.package.build import build_package
from deepz_zoo.package.checks.behavior import Scene
from deepz_zoo.records.manifest import Manifest
from deepz_zoo.records.training import TrainingRecord
from deepz_zoo.simulate import SimulatedStack
from deepz_zoo.simulate.camera import Exposure
from deepz_zoo.zoo.examples import Example, tilted_surface

SYSTEM = get_system("leica20x_0.8/TxRd")
CONFIG = GeneratorConfig(width=0.05, levels=2)
SHAPE = (40, 56)


def blurred_stack(shape: tuple[int, int] = SHAPE) -> SimulatedStack:
    """Return spots that blur with distance from their plane, as a stand-in for the simulator."""
    random = np.random.default_rng(5)
    z_um = np.arange(-20, 21) * 0.5
    clean = np.full((len(z_um), *shape), 120.0)
    for _ in range(12):
        spot = np.zeros(shape)
        spot[tuple(random.integers(0, shape))] = 9000
        focus = random.uniform(-10, 10)
        clean += [gaussian(spot, 1 + 0.4 * abs(z - focus)) for z in z_um]
    return SimulatedStack(
        camera=random.poisson(clean).astype(np.uint16),
        clean=clean.astype(np.float32),
        z_um=z_um,
        emitters_um=np.zeros((0, 3), np.float32),
        system=SYSTEM,
        specimen="beads",
        seed=0,
        psf=PsfParameters.nominal(SYSTEM),
        exposure=Exposure.draw("low", torch.Generator().manual_seed(0)),
    )


@pytest.fixture(scope="session")
def model() -> DeepZModel:
    torch.manual_seed(3)
    generator = Generator(CONFIG)
    # Untrained weights easily give an image below zero everywhere, which is refused.
    generator.last.weight.data.abs_()
    return DeepZModel(generator).eval()


@pytest.fixture(scope="session")
def manifest() -> Manifest:
    record = TrainingRecord(
        system=SYSTEM,
        generator=CONFIG,
        preset="lite",
        code_version="0.1.0",
        command="deepz-zoo train leica20x_0.8/TxRd",
        seed=3,
        specimens=("beads", "nuclei"),
        stacks=2,
        steps=10,
        batch_size=4,
        patch_px=(48, 64),
        patches=40,
        hours=0.5,
        device="cpu",
        date="2026-02-03",
        loss="L1",
        data_ranges={"depth_um": [12, 45]},
        validation_mae=0.02,
    )
    return Manifest(
        size="custom", system=SYSTEM, generator=CONFIG, training=record, sha256="0" * 64
    )


@pytest.fixture(scope="session")
def example() -> Example:
    return Example(blurred_stack(), tilted_surface(SYSTEM, SHAPE))


@pytest.fixture(scope="session")
def scene() -> Scene:
    """Return a scene to check the behavior of models with."""
    return Scene.of(blurred_stack((48, 64)))


@pytest.fixture(scope="session")
def built(
    model: DeepZModel,
    manifest: Manifest,
    example: Example,
    tmp_path_factory: pytest.TempPathFactory,
) -> Path:
    """Return a package that nobody changes."""
    path = tmp_path_factory.mktemp("package") / "tiny.zip"
    build_package(model, manifest, path, test=False, example=example)
    return path


@pytest.fixture(scope="session")
def unpacked(built: Path) -> Path:
    """Return the package as a folder that nobody changes."""
    folder = built.parent / "unpacked"
    zipfile.ZipFile(built).extractall(folder)
    return folder


@pytest.fixture
def folder(unpacked: Path, tmp_path: Path) -> Path:
    """Return a copy of the package's folder to damage."""
    return Path(shutil.copytree(unpacked, tmp_path / "package"))
