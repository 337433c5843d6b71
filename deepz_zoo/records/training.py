"""The record of a training run."""

from __future__ import annotations

from typing import Any, Literal

from deepz_zoo.files import Record
from deepz_zoo.network.config import GeneratorConfig
from deepz_zoo.optics import ImagingSystem

TrainingData = Literal["simulated", "measured", "both"]

WEIGHTS_NAME = "best.safetensors"
"""File of a run's folder with its best weights; the `TrainingRecord` is the ``.json`` beside it."""


class DatasetRecord(Record):
    """A prepared dataset that a network was trained on.

    Attributes
    ----------
    name
        Name of its folder.
    sha256
        Hash of its manifest, which holds those of the stacks that went in.
    stacks, regions
        Fields of view, and regions of them with pairs.
    pairs
        Pairs for training and validation.
    target_modality
        ``"same"``, or the modality of the targets if it is another one.
    """

    name: str
    sha256: str
    stacks: int
    regions: int
    pairs: int
    target_modality: str


class StartRecord(Record):
    """The weights that a training started from.

    Attributes
    ----------
    weights
        Short name of a model of the zoo, or the file's name.
    system
        Name of the system that they were trained for; empty if the file does not state it.
    sha256
        Hash of the file.
    training_data
        What they were trained on; None if the file does not state it.
    license
        License of the weights; None if they have the project's own.
    """

    weights: str
    system: str
    sha256: str
    training_data: TrainingData | None
    license: str | None = None


class TrainingRecord(Record):
    """The provenance of a set of weights.

    Attributes
    ----------
    command
        Command line that reproduces the run; for a resumed run, those of its parts.
    specimens, stacks
        Simulated specimens and number of simulated stacks; none for a training on prepared
        datasets alone.
    steps
        Iterations, see `TrainingSettings.max_steps`.
    batch_size
        Patches per iteration over all processes.
    patches
        Number of training patches so far.
    patch_px
        Sides of the small and of the large patches.
    hours
        Wall-clock time, including the simulation, without the pauses before a resume.
    data_ranges
        Ranges of the simulation, and under ``"planes"`` those measured on the training data, see
        `DataRanges`.
    validation_mae
        Smallest mean absolute error on the validation stacks, in units of their scale; None where
        the training measured another error.
    remarks
        Where the other fields are not the whole story, such as settings changed during the run.
    training_data
        Simulated stacks, prepared z-stacks (measured), or both.
    datasets
        The prepared datasets.
    start
        The weights that the training started from; None from scratch.
    """

    system: ImagingSystem
    generator: GeneratorConfig
    preset: str
    code_version: str
    command: str
    seed: int
    specimens: tuple[str, ...]
    stacks: int
    steps: int
    batch_size: int
    patch_px: tuple[int, int]
    patches: int
    hours: float
    device: str
    date: str
    loss: str
    data_ranges: dict[str, Any]
    validation_mae: float | None
    remarks: str = ""
    training_data: TrainingData = "simulated"
    datasets: tuple[DatasetRecord, ...] = ()
    start: StartRecord | None = None
