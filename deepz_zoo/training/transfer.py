"""Begin a training with the weights of another training."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import torch

from deepz_zoo.errors import DeepZError
from deepz_zoo.files import sha256_of
from deepz_zoo.network.config import GeneratorConfig
from deepz_zoo.network.generator import Generator
from deepz_zoo.network.graph.wrapper import DeepZModel
from deepz_zoo.network.growth import grow_from, is_grown
from deepz_zoo.records.manifest import Manifest
from deepz_zoo.records.training import StartRecord, TrainingRecord
from deepz_zoo.training.checkpoint import read_checkpoint

_PREFIX = "generator."


@dataclass(frozen=True)
class Start:
    """Weights of a generator to begin with.

    Attributes
    ----------
    weights
        State of the generator.
    record
        What the new training records of them.
    training
        Record of their own training; None if the file has none.
    config
        Their network; None if the file does not state it.
    """

    weights: dict[str, torch.Tensor]
    record: StartRecord
    training: TrainingRecord | None = None
    config: GeneratorConfig | None = None

    def load_into(self, generator: Generator, config: GeneratorConfig) -> None:
        """Copy the weights, into a larger network as `grow_from` does.

        Parameters
        ----------
        generator
            As it was initialized.
        config
            What it is made by.

        Raises
        ------
        DeepZError
            If they are of another architecture.
        """
        if self.config is not None and self.config != config and is_grown(config, self.config):
            smaller = Generator(self.config)
            smaller.load_state_dict(self.weights)
            grow_from(generator, smaller)
            return
        own = generator.state_dict()
        for name in own.keys() | self.weights.keys():
            here, there = (tuple(w[name].shape) if name in w else None for w in (own, self.weights))
            if here != there:
                raise DeepZError(
                    f"the weights of {self.record.weights} do not fit: {name} is {_size(there)}, "
                    f"here {_size(here)}; choose the `preset` that they were trained with"
                )
        generator.load_state_dict(self.weights)


def start_from_checkpoint(path: Path) -> Start:
    """Take the generator of a run's ``last.ckpt``: the averaged weights, if there are any.

    Raises
    ------
    DeepZError
        If the file is not a checkpoint, or has no generator.
    """
    state = read_checkpoint(path)["state_dict"]
    weights = {
        name.removeprefix(_PREFIX): tensor.clone()
        for name, tensor in state.items()
        if name.startswith(_PREFIX)
    }
    if not weights:
        raise DeepZError(f"{path}: a checkpoint without a generator; expected a run's last.ckpt")
    record = StartRecord(weights=path.name, system="", sha256=sha256_of(path), training_data=None)
    return Start(weights, record)


def start_from_model(model: DeepZModel, manifest: Manifest, *, file: Path | None = None) -> Start:
    """Take the generator of a model.

    Parameters
    ----------
    model, manifest
        The model and its manifest.
    file
        The weights file that they were loaded from; None for a model of the zoo.
    """
    record = StartRecord(
        weights=manifest.name if file is None else file.name,
        system=manifest.name,
        sha256=manifest.sha256,
        training_data=manifest.training_data,
        license=manifest.license if manifest.restricted else None,
    )
    weights = model.generator.state_dict()
    return Start(weights, record, manifest.training, manifest.generator)


def _size(shape: tuple[int, ...] | None) -> str:
    return "missing" if shape is None else "×".join(map(str, shape))
