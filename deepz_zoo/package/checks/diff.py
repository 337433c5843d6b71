"""What changed between two packages: description, files, weights, accuracy and output."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from numpy.typing import NDArray

from deepz_zoo.engines.difference import Difference
from deepz_zoo.errors import DeepZError
from deepz_zoo.files import sha256_of
from deepz_zoo.package.contents.description import FILES
from deepz_zoo.package.reading.archive import open_package
from deepz_zoo.package.reading.loading import load_packaged_model
from deepz_zoo.package.reading.untrusted import open_array, read_description
from deepz_zoo.records.accuracy import MetricName
from deepz_zoo.zoo.examples import tilted_surface

if TYPE_CHECKING:
    from deepz_zoo.network.graph.wrapper import DeepZModel
    from deepz_zoo.records.manifest import Manifest

# Of each |Δz|; the manifests hold more.
_METRICS: tuple[MetricName, ...] = ("correlation", "error_over_rms", "ssim")

# Said elsewhere: by the files themselves, and by the rows of the accuracy.
_TOLD_APART = ("sha256", "accuracy")


@dataclass(frozen=True)
class Change:
    """Something that the two packages say differently; None where one says nothing.

    Attributes
    ----------
    place
        Field of the description, name of a file or of a tensor, or what was measured.
    before, after
        What the first and the second package say.
    """

    place: str
    before: Any
    after: Any


@dataclass(frozen=True)
class PackageDiff:
    """The differences of two packages.

    Attributes
    ----------
    description
        Fields, without the hashes of files.
    files
        With their hashes.
    weights
        Tensors of the state dict that differ: shapes, or ``before`` the largest value and
        ``after`` the largest difference.
    accuracy
        Means over the specimens of held-out stacks.
    output
        How far the second model's output is from the first's, on the first's test input; None
        where it cannot be told.
    remark
        Why weights and output were not compared; empty where they were.
    """

    description: tuple[Change, ...]
    files: tuple[Change, ...]
    weights: tuple[Change, ...] = ()
    accuracy: tuple[Change, ...] = ()
    output: Difference | None = None
    remark: str = ""

    @property
    def same(self) -> bool:
        """Whether no file differs."""
        return not self.files


def diff_packages(first: Path, second: Path) -> PackageDiff:
    """Compare two packages.

    Nothing in them is run: the models are rebuilt from their weights with the code of deepz-zoo.

    Parameters
    ----------
    first, second
        Zip files or folders, of any bioimage.io model; weights and output are compared of Deep-Z
        models.

    Raises
    ------
    DeepZError
        If one of them holds no package that can be opened, or it is malicious.
    """
    with ExitStack() as stack:
        before, after = (stack.enter_context(open_package(path)) for path in (first, second))
        description = _changes(*(dict(_fields(read_description(d))) for d in (before, after)))
        files = _changes(_hashes(before.parent), _hashes(after.parent))
        try:
            models = [load_packaged_model(d.parent) for d in (before, after)]
        except DeepZError as error:
            return PackageDiff(description, files, remark=str(error))
        (one, manifest), (other, manifest_after) = models
        tensor = _test_tensor(before.parent, manifest)
        return PackageDiff(
            description,
            files,
            _weights(one, other),
            _changes(_accuracy(manifest), _accuracy(manifest_after)),
            Difference.between(_run(other, tensor), _run(one, tensor)),
        )


def _changes(before: Mapping[str, Any], after: Mapping[str, Any]) -> tuple[Change, ...]:
    places = dict.fromkeys((*before, *after))
    return tuple(
        Change(place, before.get(place), after.get(place))
        for place in places
        if before.get(place) != after.get(place)
    )


def _fields(content: Any, place: str = "") -> Iterator[tuple[str, Any]]:
    """Yield the place and the value of each field; a list of plain values is one."""
    if isinstance(content, Mapping):
        for key, value in content.items():
            if key not in _TOLD_APART:
                yield from _fields(value, f"{place}.{key}" if place else str(key))
    elif isinstance(content, list) and any(isinstance(value, Mapping | list) for value in content):
        for index, value in enumerate(content):
            yield from _fields(value, f"{place}[{index}]")
    else:
        yield place, content


def _hashes(folder: Path) -> dict[str, str]:
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    return {path.relative_to(folder).as_posix(): sha256_of(path) for path in files}


def _weights(before: DeepZModel, after: DeepZModel) -> tuple[Change, ...]:
    one, other = before.state_dict(), after.state_dict()
    shapes = _changes(*({name: list(t.shape) for name, t in s.items()} for s in (one, other)))
    unlike = {change.place for change in shapes}
    values = [
        Change(name, float(one[name].abs().max()), float((other[name] - one[name]).abs().max()))
        for name in one
        if name not in unlike and not torch.equal(one[name], other[name])
    ]
    return (*shapes, *values)


def _accuracy(manifest: Manifest) -> dict[str, float]:
    accuracy = manifest.accuracy
    if accuracy is None:
        return {}
    return {
        f"{metric} at {dz:g} µm, {noise} noise": round(
            getattr(accuracy, metric)(dz=dz, noise=noise), 4
        )
        for metric in _METRICS
        for noise in accuracy.noises
        for dz in accuracy.distances_um
    }


def _test_tensor(folder: Path, manifest: Manifest) -> NDArray[np.float32]:
    """Return the test input of a package; that of a z-stack gets a tilted surface as its DPM."""
    tensor = np.array(open_array(folder / FILES.test_input), np.float32)
    if tensor.shape[1] == 1:
        surface = tilted_surface(manifest.system, (tensor.shape[2], tensor.shape[3]))
        tensor = np.concatenate([tensor, surface[None, None]], axis=1)
    return tensor


def _run(model: DeepZModel, tensor: NDArray[np.float32]) -> NDArray[np.float32]:
    with torch.inference_mode():
        output: NDArray[np.float32] = model(torch.from_numpy(tensor)).numpy()
    return output
