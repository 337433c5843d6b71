"""A network as ONNX, which the engines other than torch read."""

from __future__ import annotations

import io
import warnings
from typing import TYPE_CHECKING

import torch

from deepz_zoo.network.graph.export import OPSET

if TYPE_CHECKING:
    from torch import nn

_AXES = {0: "batch", 2: "y", 3: "x"}
_EXAMPLE_PX = 64


def network_onnx(network: nn.Module) -> bytes:
    """Return a network (b, 2, y, x) → (b, 1, y, x) as ONNX for any batch, height and width."""
    content = io.BytesIO()
    with warnings.catch_warnings(), torch.no_grad():
        # Tracing is deprecated; the dynamo exporter takes ten times as long.
        warnings.simplefilter("ignore")
        torch.onnx.export(
            network,
            (torch.zeros(1, 2, _EXAMPLE_PX, _EXAMPLE_PX),),
            content,  # type: ignore[arg-type] # a file in memory does
            dynamo=False,
            opset_version=OPSET,
            input_names=["input"],
            output_names=["output"],
            dynamic_axes={"input": _AXES, "output": _AXES},
        )
    return content.getvalue()
