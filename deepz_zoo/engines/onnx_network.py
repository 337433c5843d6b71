"""The network of a model, run by ONNX Runtime on the CPU."""

from __future__ import annotations

import torch
from torch import nn

from deepz_zoo.engines.cache import cache_name, read_cached, write_cached
from deepz_zoo.engines.engine_network import EngineNetwork
from deepz_zoo.engines.network_onnx import network_onnx
from deepz_zoo.engines.onnx_runtime import silence_telemetry
from deepz_zoo.engines.versions import version_of


class OnnxNetwork(EngineNetwork):
    """A network in float32; its ONNX is written once."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__(network)
        silence_telemetry()
        from onnxruntime import InferenceSession, SessionOptions

        options = SessionOptions()
        options.intra_op_num_threads = torch.get_num_threads()
        providers = ["CPUExecutionProvider"]
        self.session = InferenceSession(_onnx(network), options, providers=providers)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Run the network on (b, 2, y, x)."""
        return torch.from_numpy(self.session.run(None, {"input": x.contiguous().numpy()})[0])


def _onnx(network: nn.Module) -> bytes:
    name = cache_name(network, "onnx", version_of("torch"))
    content = read_cached(name)
    if content is None:
        content = network_onnx(network)
        write_cached(name, content)
    return content
