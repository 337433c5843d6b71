"""ONNX files, run by ONNX Runtime, which is kept from reporting to its maker."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from deepz_zoo.engines.engine import Engine, Runtime, Tensor
from deepz_zoo.engines.versions import version_of


class OnnxFile(Engine):
    """Runs an ONNX file on the CPU."""

    weight_format = "onnx"

    def __init__(self, path: Path) -> None:
        silence_telemetry()
        from onnxruntime import InferenceSession

        self.name = f"onnxruntime {version_of('onnxruntime')}"
        self.session = InferenceSession(os.fspath(path), providers=["CPUExecutionProvider"])

    def run(self, tensors: Sequence[Tensor]) -> list[Tensor]:
        """Run the file; see `Engine.run`."""
        name = self.session.get_inputs()[0].name
        return [np.asarray(self.session.run(None, {name: tensor})[0]) for tensor in tensors]


def onnx_runtime() -> Runtime:
    """Return the ONNX Runtime of this environment."""
    return Runtime("onnxruntime", version_of("onnxruntime"), "onnx", OnnxFile)


def silence_telemetry() -> None:
    """Keep ONNX Runtime from reporting to its maker; call it before the import.

    From 1.2x on, its Linux wheels leave a device id in the user's cache folder and report unless
    told otherwise.
    """
    os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")
