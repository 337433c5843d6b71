"""Import the weights of the method's authors from the folders of their download.

A model there is a TensorFlow SavedModel: ``saved_model.pb`` beside
``variables/variables.{index,data-00000-of-00001}``. Only the checkpoint is read; the graph, which
is the same for all of them, is `deepz_zoo.network.config.RELEASED`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path
from typing import TYPE_CHECKING

import torch

from deepz_zoo import __version__
from deepz_zoo.errors import DeepZError
from deepz_zoo.files import sha256_of, write_record
from deepz_zoo.network.config import RELEASED, GeneratorConfig
from deepz_zoo.network.generator import Generator
from deepz_zoo.network.weights import load_generator, save_generator
from deepz_zoo.optics import list_systems
from deepz_zoo.records.manifest import AUTHORS_LICENSE, ImportRecord, Manifest, generator_size
from deepz_zoo.zoo.authors.tensorflow_checkpoint import TensorFlowCheckpoint

if TYPE_CHECKING:
    from deepz_zoo.optics import ImagingSystem

_PREFIX = "Generator/"
_CHECKPOINT = Path("variables", "variables")
_MAX_DEPTH = 3  # folders between the one that a user names and a model
MAX_DATA_BYTES = 4 << 30  # 311 MB as released

# Maker, magnification, specimen and channel, as in Leica_20X0.8_worm_TxRd.
_FOLDER_NAME = re.compile(r"([A-Za-z]+)_(\d+)X[\d.]+_([A-Za-z]+)_(\w+)")

_DOWN_BLOCK = re.compile(r"Generator/down\d+/")

# Where the authors trained a model for less than the paper's range.
_RANGE_UM = {"leica40x_1.3/TxRd": 2.7}

_PROBE_PX = 128


@dataclass(frozen=True)
class HalfLoss:
    """What storing weights as float16 changes, relative to their rms.

    Attributes
    ----------
    weights
        The rms change of the weights.
    output
        The rms change of the network's output, on an image of random numbers.
    """

    weights: float
    output: float


@dataclass(frozen=True)
class ImportedModel:
    """Weights that were imported.

    Attributes
    ----------
    path
        The safetensors file; its manifest lies beside it.
    manifest
        What the zoo says of them.
    loss
        What float16 changed; None for weights stored as they are.
    """

    path: Path
    manifest: Manifest
    loss: HalfLoss | None


def find_originals(folder: Path) -> tuple[Path, ...]:
    """Return the folders of models in a folder, or that folder if it is one itself.

    Raises
    ------
    DeepZError
        If there is none.
    """
    if not folder.is_dir():
        raise DeepZError(f"{folder}: no such folder; expected one of the authors' models")
    if folder.name == _CHECKPOINT.parent.name and _index(folder.parent).is_file():
        return (folder.parent,)
    for depth in range(_MAX_DEPTH + 1):
        pattern = "/".join(["*"] * depth + [str(_index(Path()))])
        found = sorted(path.parents[1] for path in folder.glob(pattern))
        if found:
            return tuple(found)
    raise DeepZError(
        f"{folder}: no model in it; expected folders such as Leica_20X0.8_worm_TxRd with "
        "variables/variables.index"
    )


def guess_system(folder: Path) -> ImagingSystem | None:
    """Return the system of the zoo that a folder is named after, or None."""
    match = _FOLDER_NAME.fullmatch(folder.resolve().name)
    if match is None:
        return None
    maker, magnification, specimen, channel = (part.lower() for part in match.groups())
    systems = {
        system.channel.name.lower(): system
        for system in list_systems()
        if system.objective.id.startswith(f"{maker}{magnification}x")
    }
    return systems.get(f"{channel}-{specimen}", systems.get(channel))


def import_original(
    folder: Path, system: ImagingSystem, path: Path, *, half: bool = False
) -> ImportedModel:
    """Write the weights of one of the authors' models as safetensors with a manifest.

    Parameters
    ----------
    folder
        The model's folder, see `find_originals`.
    system
        What it was trained for.
    path
        The safetensors file to write; the manifest is the ``.json`` beside it.
    half
        Store the weights as float16, half the size.

    Raises
    ------
    DeepZError
        If the checkpoint is incomplete, damaged, or of another network.
    """
    checkpoint = TensorFlowCheckpoint(folder / _CHECKPOINT)
    config = _config(checkpoint)
    generator = _read_generator(checkpoint, config)
    if half:
        _check_half(generator, checkpoint.index_path)
    record = ImportRecord(
        folder=folder.resolve().name,
        sha256={
            file.name: sha256_of(file) for file in (checkpoint.index_path, *checkpoint.data_paths)
        },
        stored_as="float16" if half else "float32",
        date=datetime.now(timezone.utc).strftime("%Y-%m-%d"),
        code_version=__version__,
    )
    save_generator(path, generator, dtype=torch.float16 if half else torch.float32)
    manifest = Manifest(
        size=generator_size(config),
        system=_trained_range(system),
        generator=config,
        training_data="measured",
        training=None,
        imported=record,
        sha256=sha256_of(path),
        license=AUTHORS_LICENSE,
    )
    write_record(path.with_suffix(".json"), manifest)
    loss = _half_loss(generator, load_generator(path, config)) if half else None
    return ImportedModel(path, manifest, loss)


def _index(folder: Path) -> Path:
    return folder / f"{_CHECKPOINT}.index"


def _trained_range(system: ImagingSystem) -> ImagingSystem:
    z_range_um = _RANGE_UM.get(system.name, system.z_range_um)
    return system.model_copy(update={"z_range_um": z_range_um})


def _config(checkpoint: TensorFlowCheckpoint) -> GeneratorConfig:
    """Return the settings of the released network at the size that the variables say."""
    shapes = {name: variable.shape for name, variable in checkpoint.variables.items()}
    levels = len({match[0] for name in shapes if (match := _DOWN_BLOCK.match(name))})
    first = shapes.get("Generator/down0/conv2/filters", ())
    settings = RELEASED.model_dump()
    if 2 <= levels <= RELEASED.levels and len(first) == 4 and 1 <= first[3] <= 48:
        settings |= {"levels": levels, "width": first[3] / 48}
    config = GeneratorConfig(**settings)
    _check_shapes(checkpoint, shapes, config)
    return config


def _check_shapes(
    checkpoint: TensorFlowCheckpoint, shapes: Mapping[str, tuple[int, ...]], config: GeneratorConfig
) -> None:
    """Refuse variables other than those of a network, before any value is read."""
    expected = {_tensorflow_name(name): shape for name, shape in _network_shapes(config).items()}
    own = {name for name in shapes if name.startswith(_PREFIX)}
    path, size = checkpoint.index_path, f"width {config.width:g} and {config.levels} levels"
    if missing := sorted(expected.keys() - own):
        more = f" and {len(missing) - 1} more" if len(missing) > 1 else ""
        unknown = sorted(own - expected.keys()) or sorted(shapes)
        found = f"; found {unknown[0]}" if unknown else ""
        raise DeepZError(
            f"{path}: not the released Deep-Z network: {missing[0]}{more} missing{found}"
        )
    if unknown := sorted(own - expected.keys()):
        raise DeepZError(
            f"{path}: not the released Deep-Z network: {unknown[0]} is not a part of it"
        )
    for name, (a, b, *window) in ((n, s) for n, s in expected.items() if len(s) == 4):
        _same_shape(path, name, shapes[name], (*window, b, a), size)
    for name, shape in ((n, s) for n, s in expected.items() if len(s) == 1):
        _same_shape(path, name, shapes[name], shape, size)
    for file in checkpoint.data_paths:
        if file.is_file() and (found_bytes := file.stat().st_size) > MAX_DATA_BYTES:
            raise DeepZError(f"{file}: {found_bytes:,} bytes; expected {MAX_DATA_BYTES:,} at most")


def _same_shape(
    path: Path, name: str, found: tuple[int, ...], expected: tuple[int, ...], network: str
) -> None:
    if found != expected:
        raise DeepZError(
            f"{path}: {name} has the shape {_text(found)}; the released Deep-Z network of "
            f"{network} has {_text(expected)}"
        )


def _text(shape: tuple[int, ...]) -> str:
    return "×".join(map(str, shape)) or "of a single number"


def _network_shapes(config: GeneratorConfig) -> dict[str, tuple[int, ...]]:
    return {name: tuple(weights.shape) for name, weights in _empty(config).state_dict().items()}


def _empty(config: GeneratorConfig) -> Generator:
    """Return a generator whose weights have a shape and no memory."""
    with torch.device("meta"):
        return Generator(config)


def _tensorflow_name(name: str) -> str:
    """Return a variable's name in the checkpoint: ``up.0.up.weight`` → ``…/up0/conv0/filters``."""
    *place, layer, kind = name.split(".")
    if layer == "last":
        return f"{_PREFIX}last_layer/{'filters' if kind == 'weight' else 'biases_1'}"
    layer = "conv0" if layer == "up" else layer
    return f"{_PREFIX}{''.join(place)}/{layer}/{'filters' if kind == 'weight' else 'biases'}"


def _read_generator(checkpoint: TensorFlowCheckpoint, config: GeneratorConfig) -> Generator:
    """Read all weights into a generator.

    TensorFlow keeps a convolution as height, width, in, out and a transposed one as height, width,
    out, in; torch keeps them as out, in, height, width and in, out, height, width.
    """
    generator = _empty(config)
    state = {}
    for name in generator.state_dict():
        values = torch.from_numpy(checkpoint.read(_tensorflow_name(name)))
        if not torch.isfinite(values).all():
            raise DeepZError(
                f"{checkpoint.index_path}: {_tensorflow_name(name)} holds NaN or infinity"
            )
        state[name] = values.permute(3, 2, 0, 1).contiguous() if values.ndim == 4 else values
    generator.load_state_dict(state, assign=True)
    return generator.eval()


def _check_half(generator: Generator, path: Path) -> None:
    largest = max(weights.detach().abs().max().item() for weights in generator.parameters())
    if largest > torch.finfo(torch.float16).max:
        raise DeepZError(f"{path}: holds a weight of {largest:g}, too large for float16")


def _half_loss(generator: Generator, rounded: Generator) -> HalfLoss:
    """Compare a generator with itself after rounding."""
    pairs = list(zip(generator.parameters(), rounded.parameters(), strict=True))
    with torch.inference_mode():
        change = sum(float((a - b).square().sum(dtype=torch.float64)) for a, b in pairs)
        total = sum(float(a.square().sum(dtype=torch.float64)) for a, _ in pairs)
        probe = torch.rand(1, 2, _PROBE_PX, _PROBE_PX, generator=torch.Generator().manual_seed(0))
        before, after = generator(probe).double(), rounded(probe).double()
        output = (before - after).square().mean() / before.square().mean()
    return HalfLoss((change / total) ** 0.5, float(output.sqrt()))
