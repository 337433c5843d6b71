"""The weights that ship with the package, and checkpoints of a user's own training.

An entry of the store is two files: ``<objective>_<channel>.safetensors`` and, beside it, a
``.json`` with its :class:`~deepz_zoo.records.manifest.Manifest`. A checkpoint of a training run is
``best.safetensors`` with the run's :class:`~deepz_zoo.records.training.TrainingRecord` in
``best.json``; both kinds load in the same way. Nothing here ever unpickles a file.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from deepz_zoo.errors import DeepZError
from deepz_zoo.files import read_record, sha256_of, write_record
from deepz_zoo.optics import ImagingSystem, get_system
from deepz_zoo.records.manifest import LICENSE, Manifest, generator_size
from deepz_zoo.records.training import WEIGHTS_NAME, TrainingRecord
from deepz_zoo.zoo.folders import FOLDER_VARIABLE, weights_folders

if TYPE_CHECKING:
    from deepz_zoo.network.graph.wrapper import DeepZModel
    from deepz_zoo.records.accuracy import Accuracy
    from deepz_zoo.records.limits import MeasuredLimits
    from deepz_zoo.records.measured_stack import MeasuredStack
    from deepz_zoo.records.precision import PrecisionCost

WEIGHTS_FOLDER = Path(__file__).parent / "weights"

_UNMEASURED: dict[str, Any] = {
    "accuracy": None,
    "limits": None,
    "measured": (),
    "precisions": (),
}


def list_models(folder: Path = WEIGHTS_FOLDER) -> tuple[Manifest, ...]:
    """Return the manifests of all trained models, ordered by name.

    Parameters
    ----------
    folder
        The store; by default the one that ships with the package.

    Raises
    ------
    DeepZError
        If a manifest cannot be read.
    """
    manifests = (read_record(path, Manifest) for path in folder.glob("*.json"))
    return tuple(sorted(manifests, key=lambda manifest: manifest.name))


def get_manifest(name: str, folder: Path = WEIGHTS_FOLDER) -> Manifest:
    """Return the manifest of a trained model.

    Parameters
    ----------
    name
        Short name, such as ``leica20x_0.8/TxRd``; upper and lower case are the same.
    folder
        The store; by default the one that ships with the package.

    Raises
    ------
    DeepZError
        If there is no such system, naming the nearest, or if it has no weights, naming the models
        that have.
    """
    manifests = {manifest.name.lower(): manifest for manifest in list_models(folder)}
    if name.lower() in manifests:
        return manifests[name.lower()]
    system = get_system(name)
    trained = ", ".join(manifest.name for manifest in manifests.values()) or "none"
    raise DeepZError(
        f"the zoo has no weights for '{system.name}'; trained models: {trained}; make your own "
        f"with 'deepz-zoo train {system.name} -o RUN' and name them as `weights`"
    )


def load_zoo_model(name: str, folder: Path = WEIGHTS_FOLDER) -> tuple[DeepZModel, Manifest]:
    """Load a model of the zoo; `deepz_zoo.load_model` takes checkpoints and packages too.

    Parameters
    ----------
    name
        Short name, such as ``leica20x_0.8/TxRd``; upper and lower case are the same.
    folder
        The store; by default the one that ships with the package.

    Raises
    ------
    DeepZError
        If the name is unknown, or the weights are missing or not what the manifest describes.
    """
    manifest = get_manifest(name, folder)
    return _load(folder / f"{_file_stem(manifest)}.safetensors", manifest), manifest


def load_checkpoint(path: Path) -> tuple[DeepZModel, Manifest]:
    """Load a checkpoint; `deepz_zoo.load_model` takes names and packages too.

    Parameters
    ----------
    path
        A ``.safetensors`` file with its ``.json`` beside it, or a run's folder.

    Raises
    ------
    DeepZError
        If a file is missing, damaged or of another kind.
    """
    path = _checkpoint_path(path)
    manifest = _checkpoint_manifest(path)
    return _load(path, manifest), manifest


def without_metrics(manifest: Manifest) -> Manifest:
    """Return a manifest without what was measured of its model."""
    return manifest.model_copy(update=_UNMEASURED)


def weights_of_size(name: str, size: str, folder: Path = WEIGHTS_FOLDER) -> Path:
    """Return the weights of a model of one size, for ``load_model(name, weights=…)``.

    The zoo has one model of a name, and may have others of other sizes in folders named by the
    size. Weights of size ``paper`` are too large for the wheel; `weights_folders` says where they
    are looked for.

    Parameters
    ----------
    name
        Short name, such as ``leica20x_0.8/TxRd``; upper and lower case are the same.
    size
        ``lite``, ``half`` or ``paper``.
    folder
        The store; by default the one that ships with the package.

    Raises
    ------
    DeepZError
        If there is no such system, there are no weights of this size for it, or those that are
        found are not what the manifest beside them describes.
    """
    system = get_system(name)
    if size == "paper":
        return _paper_weights(system)
    manifest = get_manifest(name, folder)
    path = folder / f"{_file_stem(system)}.safetensors"
    if manifest.size != size:
        path = folder / size / path.name
        if not path.is_file():
            raise DeepZError(
                f"no weights of size {size} for {system.name}, which has size {manifest.size}; "
                "leave `size` out"
            )
    _check_hash(path, _checkpoint_manifest(path))
    return path


def _paper_weights(system: ImagingSystem) -> Path:
    folders = weights_folders()
    paths = [folder / f"{_file_stem(system)}.safetensors" for folder in folders]
    path = next((path for path in paths if path.is_file()), None)
    if path is None:
        raise DeepZError(
            f"no weights of size paper for {system.name}: {paths[0].name} is not in "
            f"{', '.join(map(str, folders))}; name their folder with the environment variable "
            f"{FOLDER_VARIABLE}, train them in a clone of the repository with "
            f"'packaging/train_paper.sh {system.name} RUN', or leave `size` out"
        )
    _check_hash(path, _checkpoint_manifest(path))
    return path


def weights_bytes(manifest: Manifest, folder: Path = WEIGHTS_FOLDER) -> int | None:
    """Return the size of the weights of a model of the store; None where they are missing."""
    path = folder / f"{_file_stem(manifest)}.safetensors"
    return path.stat().st_size if path.is_file() else None


def add_model(
    run: Path,
    accuracy: Accuracy,
    limits: MeasuredLimits | None = None,
    measured: Sequence[MeasuredStack] | None = None,
    precisions: Sequence[PrecisionCost] = (),
    *,
    folder: Path = WEIGHTS_FOLDER,
) -> Manifest:
    """Write a checkpoint into the store as the model of its system, replacing an older one.

    The weights are kept as float16, half the size; `accuracy` and `limits` should be those of the
    rounded weights, as ``model.half().float()`` gives them.

    Parameters
    ----------
    run
        A training run's folder, or its ``best.safetensors``.
    accuracy
        The checkpoint's accuracy on held-out stacks.
    limits
        Where it fails, if that was measured.
    measured
        Its accuracy on acquired stacks; by default what the manifest says of it.
    precisions
        What it costs to compute with fewer digits.
    folder
        The store; by default the one that ships with the package.

    Returns
    -------
    Manifest
        The new entry's.

    Raises
    ------
    DeepZError
        If the checkpoint is incomplete, or `accuracy` or `limits` are another system's.
    """
    path = _checkpoint_path(run)
    manifest = _checkpoint_manifest(path)
    for kind, record in (("accuracy is", accuracy), ("limits are", limits)):
        if record is not None and record.system_name != manifest.name:
            raise DeepZError(
                f"{path}: trained for {manifest.name}, but the {kind} of {record.system_name}"
            )
    import torch

    from deepz_zoo.network.weights import load_generator, save_generator

    folder.mkdir(parents=True, exist_ok=True)
    target = folder / f"{_file_stem(manifest)}.safetensors"
    save_generator(target, load_generator(path, manifest.generator), dtype=torch.float16)
    manifest = manifest.model_copy(
        update={
            "accuracy": accuracy,
            "limits": limits,
            "measured": manifest.measured if measured is None else tuple(measured),
            "precisions": tuple(precisions),
            "sha256": sha256_of(target),
        }
    )
    write_record(target.with_suffix(".json"), manifest)
    return manifest


def state_precisions(
    manifest: Manifest, costs: Sequence[PrecisionCost], *, folder: Path = WEIGHTS_FOLDER
) -> Manifest:
    """Write into a model's manifest what precisions cost it, and return the new manifest.

    Parameters
    ----------
    manifest
        Of a model of the store.
    costs
        What was measured.
    folder
        The store; by default the one that ships with the package.
    """
    manifest = manifest.model_copy(update={"precisions": tuple(costs)})
    write_record(folder / f"{_file_stem(manifest)}.json", manifest)
    return manifest


def _file_stem(model: Manifest | ImagingSystem) -> str:
    return model.name.replace("/", "_")


def _checkpoint_path(path: Path) -> Path:
    """Return the safetensors file of a checkpoint that is named by its file or its folder."""
    path = path / WEIGHTS_NAME if path.is_dir() else path
    if path.suffix != ".safetensors":
        raise DeepZError(
            f"{path}: weights are read from .safetensors files only; a training run keeps them in "
            f"{WEIGHTS_NAME}"
        )
    if not path.is_file():
        raise DeepZError(f"{path}: no such file; expected a run's {WEIGHTS_NAME}")
    return path


def _checkpoint_manifest(path: Path) -> Manifest:
    """Return the manifest of a checkpoint, made from the training record or manifest beside it."""
    sidecar = path.with_suffix(".json")
    if not sidecar.is_file():
        raise DeepZError(
            f"{path}: its description {sidecar.name} is missing; keep the two files together"
        )
    if _holds_manifest(sidecar):
        return read_record(sidecar, Manifest)
    record = read_record(sidecar, TrainingRecord)
    return Manifest(
        size=generator_size(record.generator),
        system=record.system,
        generator=record.generator,
        training_data=record.training_data,
        training=record,
        sha256=sha256_of(path),
        license=(record.start and record.start.license) or LICENSE,
    )


def _holds_manifest(path: Path) -> bool:
    """Tell a manifest from a training record, which is a part of it; both name other files."""
    try:
        content = json.loads(path.read_bytes())
    except (ValueError, RecursionError):
        return False  # reading it as a record will say what is wrong
    return isinstance(content, dict) and "training" in content


def _load(path: Path, manifest: Manifest) -> DeepZModel:
    # torch takes a second to import, which listing the zoo does not need
    from deepz_zoo.network.graph.wrapper import DeepZModel
    from deepz_zoo.network.weights import load_generator

    if not path.is_file():
        raise DeepZError(f"{path}: the weights of {manifest.name} are missing; reinstall deepz-zoo")
    _check_hash(path, manifest)
    generator = load_generator(path, manifest.generator)
    return DeepZModel(generator, manifest.dpm_scale_um, manifest.normalization).eval()


def _check_hash(path: Path, manifest: Manifest) -> None:
    if (found := sha256_of(path)) != manifest.sha256:
        raise DeepZError(
            f"{path}: damaged or replaced; its SHA-256 is {found[:12]}…, the manifest of "
            f"{manifest.name} says {manifest.sha256[:12]}…"
        )
