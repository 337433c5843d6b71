"""The model in a package, for users who have nothing but the .zip."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from deepz_zoo.errors import DeepZError
from deepz_zoo.files import read_record, sha256_of
from deepz_zoo.package.contents.deepz_config import read_deepz_config
from deepz_zoo.package.reading.archive import DESCRIPTION_NAMES, open_package
from deepz_zoo.package.reading.untrusted import leads_outside, read_description
from deepz_zoo.records.manifest import Manifest

if TYPE_CHECKING:
    from deepz_zoo.network.graph.wrapper import DeepZModel

_MANIFEST_NAME = "manifest.json"
_WEIGHTS = "pytorch_state_dict"


def is_package(path: Path) -> bool:
    """Tell whether a path names a package, rather than a checkpoint or a run's folder."""
    if path.is_dir():
        return any((path / name).is_file() for name in DESCRIPTION_NAMES)
    return path.suffix.lower() == ".zip"


def load_packaged_model(path: Path) -> tuple[DeepZModel, Manifest]:
    """Load the model of a Deep-Z package, of any variant; no program in it is run.

    Parameters
    ----------
    path
        A zip file or a folder.

    Returns
    -------
    model : DeepZModel
        In evaluation mode, on the CPU.
    manifest : Manifest
        What the package says of it.

    Raises
    ------
    DeepZError
        If `path` holds no package that can be opened, a malicious one, one of another
        kind of model, or one whose files do not agree with each other.
    """
    with open_package(path) as description:
        try:
            return _load(read_description(description), description.parent)
        except DeepZError as error:
            raise DeepZError(f"{path}: {error}") from error


def _load(description: Mapping[str, Any], folder: Path) -> tuple[DeepZModel, Manifest]:
    config = description.get("config")
    deepz = config.get("deepz") if isinstance(config, Mapping) else None
    if not isinstance(deepz, Mapping):
        raise DeepZError("not a Deep-Z package (no config.deepz in its description)")
    validity = read_deepz_config(deepz)
    manifest = _manifest(folder / _MANIFEST_NAME)
    stated = validity.system, validity.normalization.rule, validity.provenance.weights_sha256
    if stated != (manifest.system, manifest.normalization, manifest.sha256):
        raise DeepZError(f"its description and its {_MANIFEST_NAME} are of different models")
    return _model(manifest, _weights(description, folder)), manifest


def _manifest(path: Path) -> Manifest:
    if not path.is_file():
        raise DeepZError(f"there is no {path.name}; expected a package of 'deepz-zoo package'")
    return read_record(path, Manifest)


def _weights(description: Mapping[str, Any], folder: Path) -> Path:
    """Return the file of the state dict, which is the one that the description means."""
    weights = description.get("weights")
    entry = weights.get(_WEIGHTS) if isinstance(weights, Mapping) else None
    source = entry.get("source") if isinstance(entry, Mapping) else None
    if not isinstance(source, str) or leads_outside(source) or not (folder / source).is_file():
        raise DeepZError(f"it holds no weights as {_WEIGHTS}")
    path = folder / source
    assert isinstance(entry, Mapping)
    if (found := sha256_of(path)) != entry.get("sha256"):
        raise DeepZError(
            f"{path.name} was changed: its SHA-256 is {found[:12]}…, the description says "
            f"{str(entry.get('sha256'))[:12]}…"
        )
    return path


def _model(manifest: Manifest, weights: Path) -> DeepZModel:
    import torch

    from deepz_zoo.network.generator import Generator
    from deepz_zoo.network.graph.wrapper import DeepZModel
    from deepz_zoo.package.reading.trust import refuse_pickled_objects

    refuse_pickled_objects(weights)
    generator = Generator(manifest.generator)
    model = DeepZModel(generator, manifest.dpm_scale_um, manifest.normalization)
    state = torch.load(weights, map_location="cpu", weights_only=True)
    try:
        model.load_state_dict(state)
    except (RuntimeError, TypeError, AttributeError) as error:
        raise DeepZError(
            f"{weights.name} does not fit a generator of width {manifest.generator.width:g} and "
            f"{manifest.generator.levels} levels"
        ) from error
    return model.eval()
