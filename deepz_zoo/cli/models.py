"""The model that a verb's options name."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from deepz_zoo.errors import DeepZError

if TYPE_CHECKING:
    from deepz_zoo.network.config import Normalization
    from deepz_zoo.network.graph.wrapper import DeepZModel
    from deepz_zoo.records.manifest import Manifest


def load_named_model(
    name: str | None, weights: str | None, normalization: Normalization | None = None
) -> tuple[DeepZModel, Manifest]:
    """Load a model of the zoo, or the one of ``--weights``: a checkpoint or a package.

    Raises
    ------
    DeepZError
        If there is none, or it is for another system than the one that was named.
    """
    from deepz_zoo.optics import get_system
    from deepz_zoo.package.reading.loading import is_package, load_packaged_model
    from deepz_zoo.zoo import load_model

    if weights is None or not is_package(Path(weights)):
        path = Path(weights) if weights else None
        return load_model(name, weights=path, normalization=normalization)
    if normalization is not None:
        raise DeepZError(f"{weights}: a package has its own normalization; leave the option out")
    model, manifest = load_packaged_model(Path(weights))
    if name is not None and manifest.name.lower() != name.lower():
        raise DeepZError(
            f"{weights}: made for {manifest.name}, but {get_system(name).name} was asked for"
        )
    return model, manifest


def load_any_model(name_or_path: str) -> tuple[DeepZModel, Manifest]:
    """Load a model by whatever names it: its name in the zoo, a checkpoint or a package.

    Raises
    ------
    DeepZError
        If there is none.
    """
    from deepz_zoo.package.reading.loading import is_package, load_packaged_model
    from deepz_zoo.zoo import load_model

    path = Path(name_or_path)
    if is_package(path):
        return load_packaged_model(path)
    return load_model(path if path.exists() else name_or_path)
