"""Rules on the weights: what the engines of the consumers can load and run."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from deepz_zoo.package.checks.lint.contents import Contents, NotApplicable
from deepz_zoo.package.checks.lint.rule import rule
from deepz_zoo.package.reading.onnx_file import external_names

NEWEST_OPSET = 17
NEWEST_IR = 8
NEWEST_TORCHSCRIPT = 10  # of libtorch 2.0

_DEEPIMAGEJ_RUNS = ("torchscript", "onnx", "tensorflow_saved_model_bundle")
_ILASTIK_RUNS = ("torchscript", "pytorch_state_dict")


@rule(
    "deepImageJ can run one of the weight formats",
    "deepimagej",
    symptom="the model is listed but cannot be run",
    fix=f"add weights as one of {', '.join(_DEEPIMAGEJ_RUNS)}",
)
def _deepimagej_runs(package: Contents) -> Iterator[str]:
    yield from _none_of(package, _DEEPIMAGEJ_RUNS)


@rule(
    "ilastik can run one of the weight formats",
    "ilastik",
    symptom="the model does not load: ilastik runs models with PyTorch",
    fix=f"add weights as one of {', '.join(_ILASTIK_RUNS)}",
)
def _ilastik_runs(package: Contents) -> Iterator[str]:
    yield from _none_of(package, _ILASTIK_RUNS)


@rule(
    f"ONNX weights have opset {NEWEST_OPSET} or older",
    "deepimagej",
    symptom="its ONNX Runtime (1.13 at most) rejects the file, and deepImageJ, which prefers ONNX, "
    "does not fall back to TorchScript",
    fix=f"export with torch.onnx.export(…, dynamo=False, opset_version={NEWEST_OPSET})",
)
def _old_opset(package: Contents) -> Iterator[str]:
    for entry in package.onnx.opset_import:
        if entry.domain in ("", "ai.onnx") and entry.version > NEWEST_OPSET:
            yield f"opset {entry.version}"


@rule(
    f"ONNX weights have IR version {NEWEST_IR} or older",
    "deepimagej",
    symptom="its ONNX Runtime (1.13 at most) rejects the file",
    fix=f"export opset {NEWEST_OPSET} with dynamo=False, which writes IR version {NEWEST_IR}",
)
def _old_ir(package: Contents) -> Iterator[str]:
    if package.onnx.ir_version > NEWEST_IR:
        yield f"IR version {package.onnx.ir_version}"


@rule(
    "ONNX weights are one file",
    "deepimagej",
    "bioimageio",
    symptom="the second file is not part of the package: the weights are missing",
    fix="save without external data, as onnx.save does by default",
)
def _one_onnx_file(package: Contents) -> Iterator[str]:
    if names := external_names(package.onnx):
        yield f"the file wants {', '.join(names)}"


@rule(
    "ONNX weights accept every size that the description allows",
    "bioimageio",
    symptom="its tests run two batches and three sizes, and fail",
    fix="name batch, y and x in dynamic_axes of torch.onnx.export",
)
def _dynamic_onnx(package: Contents) -> Iterator[str]:
    graph = package.onnx.graph
    weights = {initializer.name for initializer in graph.initializer}
    values = [value for value in graph.input if value.name not in weights]
    for tensor, value in zip(package.inputs, values, strict=False):
        dimensions = value.type.tensor_type.shape.dim
        for axis, dimension in zip(tensor.axes, dimensions, strict=False):
            if _varies(axis) and dimension.HasField("dim_value"):
                found = axis.get("id") or axis.get("type")
                yield f"{tensor.name}: axis {found} is fixed at {dimension.dim_value}"


@rule(
    "TorchScript weights are of a form that libtorch 2.0 reads",
    "deepimagej",
    symptom="its libtorch (2.0 at most) rejects the file",
    fix="save with torch.jit.save(torch.jit.trace(model.eval(), example))",
)
def _old_torchscript(package: Contents) -> Iterator[str]:
    records = (package.torchscript_record(name) for name in ("version", ".data/version"))
    version = next(filter(None, records), None)
    if version is None or package.torchscript_record("constants.pkl") is None:
        yield "the file is no TorchScript"
    elif not version.strip().isdigit() or int(version) > NEWEST_TORCHSCRIPT:
        yield f"version {version.decode(errors='replace').strip()} of the form"


def _none_of(package: Contents, formats: tuple[str, ...]) -> Iterator[str]:
    if not package.weights:
        raise NotApplicable("the description names no weights")
    if not any(name in package.weights for name in formats):
        yield f"there is only {', '.join(package.weights)}"


def _varies(axis: Mapping[str, Any]) -> bool:
    """Tell whether the tests of the format change the size of an axis of an input."""
    if axis.get("type") == "batch":
        return not isinstance(axis.get("size"), int)
    size = axis.get("size")
    return isinstance(size, Mapping) and "step" in size


RULES = (
    _deepimagej_runs,
    _ilastik_runs,
    _old_opset,
    _old_ir,
    _one_onnx_file,
    _dynamic_onnx,
    _old_torchscript,
)
