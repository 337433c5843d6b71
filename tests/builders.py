"""What several rooms' tests need: a tiny model, its record, a stack without a simulator."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from skimage.filters import gaussian

from deepz_zoo.engines.engine import Engine, Tensor
from deepz_zoo.intensities import intensity_scale
from deepz_zoo.network.config import GeneratorConfig
from deepz_zoo.network.generator import Generator
from deepz_zoo.network.graph.wrapper import DeepZModel
from deepz_zoo.network.weights import save_generator
from deepz_zoo.optics import ImagingSystem, get_system
from deepz_zoo.optics.psf import PsfParameters
from deepz_zoo.preprocess.dataset.storage import Pair
from deepz_zoo.records.training import TrainingRecord
from deepz_zoo.simulate import SimulatedStack
from deepz_zoo.simulate.camera import Exposure
from deepz_zoo.training.presets import TrainingSettings
from deepz_zoo.zoo.examples import Example, tilted_surface

SYSTEM = get_system("leica20x_0.8/TxRd")
CONFIG = GeneratorConfig(width=0.05, levels=2)
"""Of the smallest generator that works."""

SHAPE = (40, 56)

BEAD = Path(__file__).parent / "data" / "bead.ome.tif"
"""An acquired z-stack of one bead, in focus near the middle of its 25 planes."""


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


def write_run(folder: Path, generator: Generator) -> Path:
    """Write a run's folder with the weights of a generator of `CONFIG`, and return it."""
    folder.mkdir()
    save_generator(folder / "best.safetensors", generator)
    (folder / "best.json").write_text(training_record().model_dump_json(), encoding="utf-8")
    return folder


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


def drawn_example(system: ImagingSystem = SYSTEM) -> Example:
    """Return an example of random planes in the place of a simulated one, which takes seconds."""
    drawn = np.random.default_rng(0).uniform(100, 900, (41, 32, 48))
    stack = replace(
        blurred_stack((32, 48)),
        camera=drawn.astype(np.uint16),
        noise_free=drawn.astype(np.float32),
        system=system,
    )
    return Example(stack, tilted_surface(system, (32, 48)))


# ------------------------------------------------------------------ stacks and datasets to train on


def spotted_stack(
    seed: int = 0, planes: int = 8, *, signal: bool = True, noise: float = 2.0
) -> NDArray[np.uint16]:
    """Return a z-stack of random spots in focus in plane 4, on a noisy background of 100."""
    random = np.random.default_rng(seed)
    points = np.zeros((64, 72))
    points[random.integers(4, 60, 30), random.integers(4, 68, 30)] = 20_000 * signal
    blurred = [gaussian(points, 1.2 + 0.5 * abs(z - 4), mode="reflect") for z in range(planes)]
    noisy = np.array(blurred) + random.normal(100, noise, (planes, 64, 72))
    return np.round(noisy).astype(np.uint16)


def tiny_settings() -> TrainingSettings:
    """Return the settings of a run of four iterations on five small simulated stacks."""
    return TrainingSettings(
        generator=GeneratorConfig(width=0.08, levels=3),
        stacks=5,
        stack_px=48,
        patch_px=48,
        small_patch_px=32,
        small_fraction=0.5,
        batch_size=2,
        max_steps=4,
        validate_every=2,
        validation_pairs=3,
        warmup_steps=1,
        average=0.5,
    )


class TinyDataset:
    """A prepared dataset in memory: two regions of three planes, and targets of their own."""

    def __init__(self, system: ImagingSystem, path: Path, target_modality: str = "same") -> None:
        random = np.random.default_rng(1)
        light = np.zeros((2, 3, 64, 64))
        light[:, :, 20:40:4, 10:50:5] = [[[[40.0]], [[400.0]], [[80.0]]]]
        self.images = random.poisson(100 + light).astype(np.float32)
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
                stack_scale=_background_and_scale(self.images[index].max(axis=0)),
                target_scale=_background_and_scale(self.targets[index].max(axis=0)),
                single_image_scale=tuple(map(_background_and_scale, self.images[index])),
            )
            for index, split in enumerate(("training", "validation"))
        )
        (path / "manifest.json").write_text("{}")

    def pairs(self, split: str) -> tuple[Pair, ...]:
        return tuple(
            Pair(index, source, target, region.z_um[target] - region.z_um[source])
            for index, region in enumerate(self.regions)
            for source in range(3)
            for target in range(3)
            if region.split == split
        )

    def image(
        self, region: int, plane: int, rows: slice = slice(None), columns: slice = slice(None)
    ) -> NDArray[np.float32]:
        return self.images[region, plane, rows, columns]

    def target(
        self, region: int, plane: int, rows: slice = slice(None), columns: slice = slice(None)
    ) -> NDArray[np.float32]:
        return self.targets[region, plane, rows, columns]


def _background_and_scale(image: NDArray[Any]) -> tuple[float, float]:
    scale = intensity_scale(image)
    return scale.background, scale.scale


class FunctionEngine(Engine):
    """Runs a function of one tensor in the place of a graph."""

    def __init__(
        self,
        function: Callable[[Tensor], Tensor],
        name: str = "function 1.0",
        weight_format: str = "onnx",
    ) -> None:
        self.function, self.name, self.weight_format = function, name, weight_format

    def run(self, tensors: Sequence[Tensor]) -> list[Tensor]:
        return [self.function(tensor) for tensor in tensors]
