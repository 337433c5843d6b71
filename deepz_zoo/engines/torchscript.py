"""TorchScript files, run by the torch of this environment."""

from __future__ import annotations

from pathlib import Path

import torch

from deepz_zoo.engines.engine import Runtime
from deepz_zoo.engines.torch_model import TorchModel
from deepz_zoo.engines.versions import version_of


class TorchScriptFile(TorchModel):
    """Runs a TorchScript file."""

    weight_format = "torchscript"

    def __init__(self, path: Path) -> None:
        super().__init__(torch.jit.load(str(path)))  # type: ignore[no-untyped-call]


def torchscript_runtime() -> Runtime:
    """Return the torch of this environment."""
    return Runtime("torch", version_of("torch"), "torchscript", TorchScriptFile)
