"""What is written down about a training run."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, ConfigDict

from deepz_zoo.network.config import GeneratorConfig
from deepz_zoo.optics import ImagingSystem


class TrainingRecord(BaseModel):
    """The provenance of a set of weights.

    Attributes
    ----------
    command
        Command line that reproduces the run; of a resumed run, those of its parts.
    patches
        Training patches seen.
    patch_px
        Sides of the small and of the large patches.
    hours
        Wall-clock time, simulating included, pauses between resumed parts left out.
    data_ranges
        Ranges of the simulation.
    validation_mae
        Smallest mean absolute error on the validation stacks, in units of their scale.
    remarks
        What the other fields do not say truly, such as settings that changed during the run.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

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
    validation_mae: float
    remarks: str = ""
