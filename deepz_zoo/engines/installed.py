"""The runtimes of this environment."""

from __future__ import annotations

from deepz_zoo.engines.engine import Runtime


def installed_runtimes() -> tuple[Runtime, ...]:
    """Return what opens weight files in this environment, torch first."""
    from deepz_zoo.engines.onnx_runtime import onnx_runtime
    from deepz_zoo.engines.torchscript import torchscript_runtime

    return (torchscript_runtime(), onnx_runtime())
