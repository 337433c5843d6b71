"""What an engine is: the graph of one model, ready to run on tensors."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray

from deepz_zoo.errors import DeepZError

Tensor = NDArray[np.float32]
"""Shape (batch, channels, y, x)."""

FileFormat = Literal["torchscript", "onnx"]
FILE_FORMATS: tuple[FileFormat, ...] = get_args(FileFormat)


class EngineError(DeepZError):
    """An engine cannot load or run a file of weights."""


class Engine(ABC):
    """Runs the graph of one model.

    Attributes
    ----------
    name
        The program that computes, with its version.
    weight_format
        What it runs: the name of a bioimage.io weight format.
    """

    name: str
    weight_format: str

    @abstractmethod
    def run(self, tensors: Sequence[Tensor]) -> list[Tensor]:
        """Run the graph on tensors, one after the other.

        Parameters
        ----------
        tensors
            Each of shape (batch, channels, y, x); sizes may differ.

        Raises
        ------
        EngineError
            If an engine in another process cannot load or run the weights.
        """

    def __call__(self, tensor: Tensor) -> Tensor:
        """Run the graph on one tensor."""
        return self.run([tensor])[0]


@dataclass(frozen=True)
class Runtime:
    """A program that opens weight files of one format as engines.

    Attributes
    ----------
    name, version
        Of the program.
    weight_format
        What it opens.
    open
        Returns the engine of a file.
    """

    name: str
    version: str
    weight_format: FileFormat
    open: Callable[[Path], Engine]

    def __str__(self) -> str:
        return f"{self.name} {self.version}"
