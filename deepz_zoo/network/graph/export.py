"""The graph wrapper as ONNX and TorchScript files that old engines read."""

from __future__ import annotations

import io
import warnings
from pathlib import Path

import torch

from deepz_zoo.network.graph.wrapper import DeepZModel

OPSET = 17
NEWEST_IR = 8

# Sides that are no multiple of 16, so that padding and cropping are traced for the general case.
_EXAMPLE_SIDES = (70, 52)


def _example(model: DeepZModel) -> torch.Tensor:
    generator = torch.Generator().manual_seed(0)
    shape = (1, model.input_channels, *_EXAMPLE_SIDES)
    image = 100 + 50 * torch.rand(shape, generator=generator)
    image[:, 1:] = 3.0
    return image


def export_torchscript(model: DeepZModel, path: Path) -> None:
    """Trace `model` into a TorchScript file; libtorch 1.13 and later run it."""
    with warnings.catch_warnings(), torch.no_grad():
        # Tracing is deprecated in favor of torch.export, which Fiji and ilastik cannot read.
        warnings.simplefilter("ignore")
        # What is written is compared with the model afterwards, at several sizes.
        traced = torch.jit.trace(  # type: ignore[no-untyped-call]
            model.eval(), _example(model), check_trace=False
        )
        # Into memory first: on a full disk libtorch's own writer ends the process.
        content = io.BytesIO()
        torch.jit.save(traced, content)
    path.write_bytes(content.getbuffer())


def export_onnx(model: DeepZModel, path: Path) -> None:
    """Write `model` as ONNX, opset 17, with any batch, height and width.

    ONNX Runtime 1.13, the newest in Fiji's model runner, rejects opset 18 and IR version 9; torch's
    default exporter falls back to opset 18 for padding, hence ``dynamo=False``.

    Raises
    ------
    RuntimeError
        If the file came out with a newer opset or IR, or with weights in a second file.
    """
    import onnx

    with warnings.catch_warnings(), torch.no_grad():
        warnings.simplefilter("ignore")
        torch.onnx.export(
            model.eval(),
            (_example(model),),
            str(path),
            dynamo=False,
            opset_version=OPSET,
            input_names=["input"],
            output_names=["output"],
            dynamic_axes={name: {0: "batch", 2: "y", 3: "x"} for name in ("input", "output")},
        )
    proto = onnx.load(str(path), load_external_data=False)
    onnx.checker.check_model(proto)
    opset = max(entry.version for entry in proto.opset_import)
    external = any(tensor.external_data for tensor in proto.graph.initializer)
    if opset > OPSET or proto.ir_version > NEWEST_IR or external:
        raise RuntimeError(
            f"{path}: opset {opset}, IR {proto.ir_version}, external data {external}; "
            f"expected at most {OPSET}, at most {NEWEST_IR}, none"
        )
