"""The network of a model, run by OpenVINO on the CPU."""

from __future__ import annotations

import io
import sys
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

import torch
from torch import nn

from deepz_zoo.engines.cache import cache_name, is_cached, read_cached, write_cached
from deepz_zoo.engines.engine_network import EngineNetwork
from deepz_zoo.engines.network_onnx import network_onnx
from deepz_zoo.engines.versions import version_of

if TYPE_CHECKING:
    from deepz_zoo.records.precision import Precision

_DEVICE = "CPU"
_TYPES: dict[Precision, str] = {"float32": "f32", "bfloat16": "bf16", "float16": "f16"}
_CAPABILITIES: dict[Precision, str] = {"bfloat16": "BF16", "float16": "FP16"}


class OpenVINONetwork(EngineNetwork):
    """A network as OpenVINO compiled it, now or at an earlier start.

    It is compiled once for all sizes, which was measured to be as fast as for one.
    """

    def __init__(self, network: nn.Module, precision: Precision) -> None:
        super().__init__(network)
        settings = {
            "INFERENCE_PRECISION_HINT": _TYPES[precision],
            "INFERENCE_NUM_THREADS": torch.get_num_threads(),
        }
        self.compiled = _compiled(_core(), network, precision, settings)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Run the network on (b, 2, y, x)."""
        return torch.from_numpy(self.compiled(x.contiguous().numpy())[0])


def _core() -> Any:
    """Import OpenVINO and return its entry, and keep it from reporting to its maker.

    Its import does so unless the user has opted out, but goes without where the package that
    reports is missing.
    """
    sys.modules.setdefault("openvino_telemetry", None)  # type: ignore[arg-type]
    import openvino

    return openvino.Core()


def _compiled(core: Any, network: nn.Module, precision: Precision, settings: dict[str, Any]) -> Any:
    name = _cache_name(network, precision)
    cached = read_cached(name)
    if cached is not None:
        try:
            return core.import_model(cached, _DEVICE, settings)
        except RuntimeError:  # the file is damaged, and is written anew
            pass
    compiled = core.compile_model(core.read_model(network_onnx(network)), _DEVICE, settings)
    content = io.BytesIO()
    compiled.export_model(content)
    write_cached(name, content.getvalue())
    return compiled


def is_compiled(network: nn.Module, precision: Precision) -> bool:
    """Tell whether OpenVINO compiled a network at an earlier start."""
    return is_cached(_cache_name(network, precision))


def _cache_name(network: nn.Module, precision: Precision) -> str:
    return cache_name(network, "openvino", version_of("openvino"), precision)


def has_openvino() -> bool:
    """Tell whether OpenVINO is installed, without importing it."""
    return find_spec("openvino") is not None


def openvino_precisions() -> tuple[Precision, ...]:
    """Return the precisions that OpenVINO computes in on this processor, float32 first.

    In any other it would compute in float32 without a word.
    """
    found = _core().get_property(_DEVICE, "OPTIMIZATION_CAPABILITIES")
    return ("float32", *(name for name, wanted in _CAPABILITIES.items() if wanted in found))
