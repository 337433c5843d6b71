"""What several rooms' tests need: a tiny model, its record, a stack without a simulator."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import torch
from skimage.filters import gaussian

from deepz_zoo.network.config import GeneratorConfig
from deepz_zoo.network.generator import Generator
from deepz_zoo.network.graph.wrapper import DeepZModel
from deepz_zoo.optics import get_system
from deepz_zoo.optics.psf import PsfParameters
from deepz_zoo.records.training import TrainingRecord
from deepz_zoo.simulate import SimulatedStack
from deepz_zoo.simulate.camera import Exposure

SYSTEM = get_system("leica20x_0.8/TxRd")
CONFIG = GeneratorConfig(width=0.05, levels=2)
"""Of the smallest generator that works."""

SHAPE = (40, 56)


def training_record(**changes: Any) -> TrainingRecord:
    """Return the record of a training that made a generator of `CONFIG`."""
    values: dict[str, Any] = {
        "system": SYSTEM,
        "generator": CONFIG,
        "preset": "lite",
        "code_version": "0.1.0",
        "command": "deepz-zoo train leica20x_0.8/TxRd -o run",
        "seed": 3,
        "specimens": ("beads", "nuclei"),
        "stacks": 2,
        "steps": 10,
        "batch_size": 4,
        "patch_px": (48, 64),
        "patches": 40,
        "hours": 0.5,
        "device": "2 CPU threads",
        "date": "2026-11-22",
        "loss": "L1",
        "data_ranges": {"depth_um": [12, 45]},
        "validation_mae": 0.0625,
    }
    return TrainingRecord(**(values | changes))


def read_yaml(path: Path) -> Any:
    """Return what a YAML file holds, such as the description of a package."""
    from bioimageio.spec import utils

    return utils.read_yaml(path)


def tiny_model() -> DeepZModel:
    """Return an untrained model whose output is not negative everywhere, which is refused."""
    torch.manual_seed(3)
    generator = Generator(CONFIG)
    generator.last.weight.data.abs_()
    return DeepZModel(generator).eval()


def blurred_stack(shape: tuple[int, int] = SHAPE) -> SimulatedStack:
    """Return spots that blur with distance from their plane, as a stand-in for the simulator."""
    random = np.random.default_rng(5)
    z_um = np.linspace(-10, 10, 41)
    clean = np.full((len(z_um), *shape), 120.0)
    for _ in range(12):
        spot = np.zeros(shape)
        spot[tuple(random.integers(0, shape))] = 9000
        focus = random.uniform(-10, 10)
        clean += [gaussian(spot, 1 + 0.4 * abs(z - focus)) for z in z_um]
    return SimulatedStack(
        camera=random.poisson(clean).astype(np.uint16),
        noise_free=clean.astype(np.float32),
        z_um=z_um,
        emitters_um=np.zeros((0, 3), np.float32),
        system=SYSTEM,
        specimen="beads",
        seed=0,
        psf=PsfParameters.nominal(SYSTEM),
        exposure=Exposure.draw("low", torch.Generator().manual_seed(0)),
    )
