"""ONNX Runtime, opened without a word to anybody."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from onnxruntime import InferenceSession


def onnx_session(path: Path) -> InferenceSession:
    """Open an ONNX file with onnxruntime on the CPU."""
    silence_telemetry()
    from onnxruntime import InferenceSession

    return InferenceSession(os.fspath(path), providers=["CPUExecutionProvider"])


def silence_telemetry() -> None:
    """Keep onnxruntime from reporting to its maker; call it before the import."""
    # From 1.2x on, onnxruntime's Linux wheels leave a device id in the user's cache folder and
    # report to their maker unless told otherwise before the import.
    os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")
