"""Engines as old as those of Fiji, and weight files for them to run."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch

from deepz_zoo.engines.engine import Runtime
from deepz_zoo.engines.old_programs import runtimes_in
from deepz_zoo.errors import DeepZError
from deepz_zoo.network.config import GeneratorConfig
from deepz_zoo.network.generator import Generator
from deepz_zoo.network.graph.export import export_onnx, export_torchscript
from deepz_zoo.network.graph.wrapper import DeepZModel
from deepz_zoo.package.contents.torchscript import strip_machine_traces

ENGINES = Path(__file__).parents[2] / ".engines"


def installed() -> dict[str, Runtime]:
    try:
        return {str(runtime): runtime for runtime in runtimes_in(ENGINES)}
    except DeepZError:
        return {}


@pytest.fixture(scope="session")
def engine() -> Callable[[str], Runtime]:
    """Return a function that finds a runtime by the start of its name, or skips the test."""
    found = installed()

    def find(name: str) -> Runtime:
        for full_name, runtime in found.items():
            if full_name.startswith(name):
                return runtime
        pytest.skip(f"needs {name}: packaging/install_engines.sh")

    return find


class Exported:
    """A model, its two files, and what it gives.

    Parameters
    ----------
    model
        The graph wrapper with its weights.
    folder
        For the files.
    """

    def __init__(self, model: DeepZModel, folder: Path) -> None:
        self.model = model.eval()
        self.files = {"onnx": folder / "model.onnx", "torchscript": folder / "model.pt"}
        export_onnx(self.model, self.files["onnx"])
        export_torchscript(self.model, self.files["torchscript"])
        strip_machine_traces(self.files["torchscript"])

    def expected(self, tensor: np.ndarray) -> np.ndarray:
        with torch.inference_mode():
            return self.model(torch.from_numpy(tensor)).numpy()


@pytest.fixture(scope="session")
def narrow(tmp_path_factory: pytest.TempPathFactory) -> Exported:
    """Return a model of random weights that is quick for large images."""
    torch.manual_seed(3)
    generator = Generator(GeneratorConfig(width=0.05, levels=2))
    return Exported(DeepZModel(generator), tmp_path_factory.mktemp("narrow"))


@pytest.fixture(scope="session")
def embedded(tmp_path_factory: pytest.TempPathFactory) -> Exported:
    """Return the model of the zoo."""
    from deepz_zoo.models import load_model

    model, _ = load_model("leica20x_0.8/TxRd")
    return Exported(model, tmp_path_factory.mktemp("embedded"))
