"""Load a model by whatever names it: the zoo's name, a checkpoint, or a package."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from deepz_zoo.errors import DeepZError
from deepz_zoo.optics import get_system
from deepz_zoo.package.reading.loading import is_package, load_packaged_model
from deepz_zoo.records.training import WEIGHTS_NAME
from deepz_zoo.zoo.store import WEIGHTS_FOLDER, load_checkpoint, load_zoo_model, without_metrics

if TYPE_CHECKING:
    from deepz_zoo.network.config import Normalization
    from deepz_zoo.network.graph.wrapper import DeepZModel
    from deepz_zoo.records.manifest import Manifest


def load_model(
    name_or_path: str | Path | None = None,
    *,
    weights: str | Path | None = None,
    normalization: Normalization | None = None,
    folder: Path = WEIGHTS_FOLDER,
) -> tuple[DeepZModel, Manifest]:
    """Load a model with its weights; nothing is unpickled and no program in a package is run.

    Parameters
    ----------
    name_or_path
        Name of a model of the zoo, such as ``leica20x_0.8/TxRd``; or the path of a checkpoint (a
        ``.safetensors`` file with its ``.json`` beside it, or a run's folder) or of a Deep-Z
        package (a ``.zip`` file or a folder). It may be None when `weights` is given.
    weights
        A checkpoint or package to use in place of the zoo's weights for the model that
        `name_or_path` names; it must be for the same system.
    normalization
        A rule to use in place of the model's own; the manifest then names it, without metrics.
    folder
        The zoo; by default the one that ships with the package.

    Returns
    -------
    model : DeepZModel
        In evaluation mode, on the CPU.
    manifest : Manifest
        What is known of it. For a checkpoint it is made from the training record, without metrics.

    Raises
    ------
    DeepZError
        If the name is unknown, a file is missing, damaged or of another kind, the weights are not
        those that the manifest describes, or `weights` are for another system.

    Examples
    --------
    >>> model, manifest = load_model("leica20x_0.8/TxRd")
    >>> manifest.system.z_range_um
    10.0
    """
    if str(weights).strip() == "" or str(name_or_path).strip() == "":
        raise DeepZError("an empty name; expected that of a model, a checkpoint or a package")
    path = Path(weights) if weights is not None else _path(name_or_path)
    if path is None:
        if name_or_path is None:
            raise DeepZError("neither a model nor weights are named")
        model, manifest = load_zoo_model(str(name_or_path), folder)
    elif is_package(path):
        if normalization is not None:
            raise DeepZError(
                f"{path}: a package has its own normalization; leave `normalization` out"
            )
        model, manifest = load_packaged_model(path)
    else:
        model, manifest = load_checkpoint(path)
    if weights is not None and name_or_path is not None:
        _check_system(path, manifest, str(name_or_path))
    if normalization is None or normalization == manifest.normalization:
        return model, manifest
    from deepz_zoo.network.graph.wrapper import DeepZModel

    model = DeepZModel(model.generator, manifest.dpm_scale_um, normalization).eval()
    # The metrics were measured with the other rule.
    changed = without_metrics(manifest).model_copy(update={"normalization": normalization})
    return model, changed


def model_files(*names_or_paths: str | Path | None) -> list[Path]:
    """Return the files that `load_model` would read for models that are named by paths."""
    files = []
    for path in map(_path, names_or_paths):
        if path is not None:
            weights = path / WEIGHTS_NAME if path.is_dir() else path
            files += [weights, weights.with_suffix(".json")]
    return files


def _path(name_or_path: str | Path | None) -> Path | None:
    """Return the path that is named, or None for the name of a model of the zoo."""
    if name_or_path is None or isinstance(name_or_path, Path):
        return name_or_path
    path = Path(name_or_path)
    is_file = path.suffix.lower() in (".safetensors", ".zip") or path.is_file()
    is_folder = path.is_dir() and (is_package(path) or (path / WEIGHTS_NAME).is_file())
    return path if is_file or is_folder else None


def _check_system(path: Path | None, manifest: Manifest, name: str) -> None:
    if manifest.name.lower() != name.lower():
        asked = get_system(name).name
        raise DeepZError(f"{path}: trained for {manifest.name}, but {asked} was asked for")
