"""Single-file exports, each checked to equal the torch model at several sizes."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal, get_args

from deepz_zoo.engines.difference import Difference, probe
from deepz_zoo.engines.engine import Engine
from deepz_zoo.engines.onnx_runtime import OnnxFile
from deepz_zoo.engines.torch_model import TorchModel
from deepz_zoo.engines.torchscript import TorchScriptFile
from deepz_zoo.errors import CheckFailed
from deepz_zoo.files import replacing, sha256_of
from deepz_zoo.network.graph.export import export_onnx, export_torchscript
from deepz_zoo.network.graph.plugin_normalization import PluginNormalization
from deepz_zoo.package.contents.torchscript import strip_machine_traces

if TYPE_CHECKING:
    from deepz_zoo.network.graph.wrapper import DeepZModel

ExportFormat = Literal["onnx", "torchscript"]
EXPORT_FORMATS: tuple[ExportFormat, ...] = get_args(ExportFormat)
SUFFIXES: dict[ExportFormat, str] = {"onnx": ".onnx", "torchscript": ".pt"}

# Batch, height and width: the smallest image, odd sides, a multiple of 16, several at once.
SHAPES = ((1, 16, 16), (1, 67, 45), (1, 96, 128), (2, 33, 80))
MAX_RELATIVE = 1e-4


@dataclass(frozen=True)
class SizeDifference:
    """How far an exported file is from the torch model for images of one size.

    Attributes
    ----------
    shape
        Batch, height and width.
    difference
        In grey levels, and relative to the largest value of the output.
    """

    shape: tuple[int, int, int]
    difference: Difference


@dataclass(frozen=True)
class ExportedModel:
    """A file that was written and compared.

    Attributes
    ----------
    path, size_bytes, sha256
        The file.
    differences
        One per size.
    """

    path: Path
    size_bytes: int
    sha256: str
    differences: tuple[SizeDifference, ...]

    @property
    def worst(self) -> SizeDifference:
        """The largest relative difference."""
        return max(self.differences, key=lambda size: size.difference.relative)


def export_model(
    model: DeepZModel, file_format: ExportFormat, path: Path, *, overwrite: bool = False
) -> ExportedModel:
    """Write a model as one ONNX or TorchScript file and check that it equals the torch model.

    Parameters
    ----------
    model
        The graph wrapper with its weights.
    file_format
        ``"onnx"`` (opset 17, run with onnxruntime) or ``"torchscript"`` (run with torch.jit).
    path
        The file; it appears under its name only when the comparison has succeeded.
    overwrite
        Replace an existing file.

    Raises
    ------
    DeepZError
        If the file may not be written.
    CheckFailed
        If outputs differ by more than 1e-4 of their largest value; no file is left.
    """
    with replacing(path, overwrite=overwrite) as temporary:
        if file_format == "onnx":
            export_onnx(model, temporary)
            engine: Engine = OnnxFile(temporary)
        else:
            export_torchscript(model, temporary)
            strip_machine_traces(temporary)
            engine = TorchScriptFile(temporary)
        differences = compare_sizes(model, engine)
        exported = ExportedModel(path, temporary.stat().st_size, sha256_of(temporary), differences)
        # Where the graph rounds to integer grey levels, the last bit of a tie is worth one of them.
        step = 1.0 if isinstance(model.normalization, PluginNormalization) else 0.0
        # "not … <=" so that NaN fails too
        found = [size.difference for size in differences]
        if not all(e.relative <= MAX_RELATIVE or e.absolute <= step for e in found):
            (_, ny, nx), worst = exported.worst.shape, exported.worst.difference
            raise CheckFailed(
                f"{path} was not written: the {file_format} file differs from the model by "
                f"{worst.absolute:.3g} grey levels ({worst.relative:.2g} relative) for images of "
                f"{ny}×{nx} px; expected at most {MAX_RELATIVE:g}"
            )
    return exported


def compare_sizes(model: DeepZModel, exported: Engine) -> tuple[SizeDifference, ...]:
    """Compare the torch model with an export of it over `SHAPES`."""
    tensors = [probe(shape) for shape in SHAPES]
    outputs = zip(SHAPES, exported.run(tensors), TorchModel(model).run(tensors), strict=True)
    return tuple(
        SizeDifference(shape, Difference.between(found, expected))
        for shape, found, expected in outputs
    )
