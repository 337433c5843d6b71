"""The imaging system that a network is trained for."""

from __future__ import annotations

from collections.abc import Sequence

from deepz_zoo.errors import DeepZError
from deepz_zoo.optics import ImagingSystem, get_system
from deepz_zoo.preprocess.dataset.storage import PreparedDataset


def choose_system(model_name: str | None, datasets: Sequence[PreparedDataset]) -> ImagingSystem:
    """Return the system of the datasets, or the named one where there are none.

    Parameters
    ----------
    model_name
        ``objective/channel``; may be None if there are datasets.
    datasets
        Prepared datasets to train on.

    Raises
    ------
    DeepZError
        If the datasets are of several systems, or of another one than `model_name`; if there is
        neither a name nor a dataset.
    """
    if not datasets:
        if model_name is None:
            raise DeepZError("name a model or a dataset to train on")
        return get_system(model_name)
    first = datasets[0].manifest.system
    for dataset in datasets[1:]:
        if (other := dataset.manifest.system) != first:
            raise DeepZError(
                f"{datasets[0].path} is of {first.name} at {first.pixel_size_um:g} µm, "
                f"{dataset.path} of {other.name} at {other.pixel_size_um:g} µm; a model is for one"
            )
    if model_name is not None and model_name.lower() != first.name.lower():
        raise DeepZError(f"{datasets[0].path} is of {first.name}, but {model_name} was asked for")
    return first
