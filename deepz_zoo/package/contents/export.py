"""Single-file exports, each proven to equal the torch model at several sizes."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal, get_args

import numpy as np
import torch
from numpy.typing import NDArray

from deepz_zoo.engines.onnx_session import onnx_session
from deepz_zoo.errors import CheckFailed
from deepz_zoo.files import replacing, sha256_of
from deepz_zoo.network.graph.export import export_onnx, export_torchscript
from deepz_zoo.network.graph.plugin_normalization import PluginNormalization
from deepz_zoo.package.checks.formats import FormatDifference, Predict
from deepz_zoo.package.contents.torchscript import strip_machine_traces

if TYPE_CHECKING:
    from deepz_zoo.network.graph.wrapper import DeepZModel

ExportFormat = Literal["onnx", "torchscript"]
EXPORT_FORMATS: tuple[ExportFormat, ...] = get_args(ExportFormat)
SUFFIXES: dict[ExportFormat, str] = {"onnx": ".onnx", "torchscript": ".pt"}

# Batch, height and width: the smallest image, odd sides, a multiple of 16, several at once.
SHAPES = ((1, 16, 16), (1, 67, 45), (1, 96, 128), (2, 33, 80))
LARGEST_RELATIVE = 1e-4


@dataclass(frozen=True)
class SizeDifference:
    """How far an exported file is from the torch model for images of one size.

    Attributes
    ----------
    shape
        Batch, height and width.
    absolute
        Largest absolute difference in grey levels.
    relative
        The same as a share of the largest value of the output.
    """

    shape: tuple[int, int, int]
    absolute: float
    relative: float


@dataclass(frozen=True)
class ExportedModel:
    """A file that was written and compared.

    Attributes
    ----------
    path, size_bytes, sha256
        The file.
    differences
        One for each size.
    """

    path: Path
    size_bytes: int
    sha256: str
    differences: tuple[SizeDifference, ...]

    @property
    def worst(self) -> SizeDifference:
        """The largest relative difference."""
        return max(self.differences, key=lambda difference: difference.relative)


def export_model(
    model: DeepZModel, file_format: ExportFormat, path: Path, *, overwrite: bool = False
) -> ExportedModel:
    """Write a model as one ONNX or TorchScript file and prove that it equals the torch model.

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
        else:
            export_torchscript(model, temporary)
            strip_machine_traces(temporary)
        differences = compare(model, _loaded(file_format, temporary))
        exported = ExportedModel(path, temporary.stat().st_size, sha256_of(temporary), differences)
        # Where the graph rounds to whole grey levels, the last bit of a tie is worth one of them.
        step = 1.0 if isinstance(model.normalization, PluginNormalization) else 0.0
        # "not … <=" so that NaN fails too
        if not all(e.relative <= LARGEST_RELATIVE or e.absolute <= step for e in differences):
            worst = exported.worst
            raise CheckFailed(
                f"{path} was not written: the {file_format} file differs from the model by "
                f"{worst.absolute:.3g} grey levels ({worst.relative:.2g} relative) for images of "
                f"{worst.shape[1]}×{worst.shape[2]} px; expected at most {LARGEST_RELATIVE:g}"
            )
    return exported


def compare(model: DeepZModel, predict: Predict) -> tuple[SizeDifference, ...]:
    """Compare the torch model with another form of it over `SHAPES`."""
    differences = []
    for shape in SHAPES:
        tensor = probe(shape)
        with torch.inference_mode():
            expected = model(torch.from_numpy(tensor)).numpy()
        found = FormatDifference.between("", predict(tensor), expected)
        differences.append(SizeDifference(shape, found.absolute, found.relative))
    return tuple(differences)


def probe(shape: tuple[int, int, int]) -> NDArray[np.float32]:
    """Return camera images of blurred spots with photon noise, above surfaces tilted both ways.

    Parameters
    ----------
    shape
        Batch, height and width.

    Returns
    -------
    ndarray of float32, shape (batch, 2, height, width)
    """
    batch, ny, nx = shape
    random = np.random.default_rng(0)
    y, x = np.mgrid[:ny, :nx]
    tensor = np.empty((batch, 2, ny, nx), np.float32)
    for image, surface in tensor:
        light = np.full((ny, nx), 20.0)
        for _ in range(8):
            cy, cx, sigma = random.uniform((0, 0, 1), (ny, nx, 6))
            light += 400 * np.exp(-((y - cy) ** 2 + (x - cx) ** 2) / (2 * sigma**2))
        image[:] = 100 + random.poisson(light)
        surface[:] = 8 * (x / nx - 0.4) + 5 * (y / ny - 0.3)
    return tensor


def _loaded(file_format: ExportFormat, path: Path) -> Predict:
    if file_format == "onnx":
        session = onnx_session(path)
        name = session.get_inputs()[0].name
        return lambda tensor: np.asarray(session.run(None, {name: tensor})[0])
    script = torch.jit.load(str(path))  # type: ignore[no-untyped-call]

    def predict(tensor: NDArray[np.float32]) -> NDArray[np.float32]:
        with torch.inference_mode():
            return np.asarray(script(torch.from_numpy(tensor)).numpy())

    return predict
