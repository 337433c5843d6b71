"""A prepared dataset on disk: aligned stacks, their regions and the pairs drawn from them.

::

    DATASET/
      manifest.json     DatasetManifest
      pairs.npy         region, source, target, distance_um of every pair
      fields/0000.h5    one field of view: stack, edf, height, mask (and targets of each region)

A stack is stored once, however many regions overlap in it, in chunks of one plane. A window is read
without the rest, so a dataset may be larger than the memory.
"""

from __future__ import annotations

import json
import math
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import h5py
import numpy as np
from numpy.typing import NDArray
from pydantic import ValidationError

from deepz_zoo.errors import DeepZError
from deepz_zoo.files import first_fault, replacing, write_record
from deepz_zoo.preprocess.regions.pairs import PAIR_DTYPE
from deepz_zoo.records.dataset import (
    FORMAT_VERSION,
    SAME_MODALITY,
    DatasetManifest,
    FieldRecord,
    Region,
    Split,
)

MANIFEST_NAME = "manifest.json"
PAIRS_NAME = "pairs.npy"
_CHUNK_PX = 128
_MAX_OPEN_FILES = 64


@dataclass(frozen=True, slots=True)
class Pair:
    """An input plane and a target plane of one region.

    Attributes
    ----------
    region
        Index of the region in the dataset.
    source, target
        Input plane of the region, and plane of its targets that the network should return.
    distance_um
        Stage position of the target less that of the source: the value of the uniform DPM.
    """

    region: int
    source: int
    target: int
    distance_um: float


class PreparedDataset:
    """Random access to the pairs and pixels of a prepared dataset.

    It may be passed to other processes, by pickling or by forking: each opens its own files.

    Attributes
    ----------
    path
        The dataset's folder.
    manifest
        Its description.
    regions
        The manifest's regions; ``regions[pair.region]`` is the region of a pair.
    """

    def __init__(self, path: Path, manifest: DatasetManifest) -> None:
        self.path, self.manifest = path, manifest
        self.regions = manifest.regions
        self._files: dict[int, h5py.File] = {}
        self._process = os.getpid()

    def __getstate__(self) -> dict[str, Any]:
        return {"path": self.path, "manifest": self.manifest}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__init__(**state)  # type: ignore[misc]

    def pairs(self, split: Split) -> tuple[Pair, ...]:
        """Return the pairs of a split in a fixed order, region by region.

        Raises
        ------
        DeepZError
            When the file of pairs is damaged.
        """
        table = self._load_pairs()
        wanted = np.array([region.split == split for region in self.regions], dtype=bool)
        return tuple(Pair(*row) for row in table[wanted[table["region"]]].tolist())

    def image(
        self,
        region: int,
        plane: int,
        rows: slice = slice(None),
        columns: slice = slice(None),
    ) -> NDArray[np.float32]:
        """Return an aligned input plane of a region in grey levels of the camera.

        Parameters
        ----------
        region
            Index of the region.
        plane
            Index of a plane of the region; its position is ``regions[region].z_um[plane]``.
        rows, columns
            A window of the region; all of it by default.
        """
        window = self.regions[region]
        return self._read(
            "stack",
            window,
            window.first_plane + _checked(plane, len(window.z_um)),
            _shifted(rows, window.y_px, window.size_px),
            _shifted(columns, window.x_px, window.size_px),
        )

    def target(
        self,
        region: int,
        plane: int,
        rows: slice = slice(None),
        columns: slice = slice(None),
    ) -> NDArray[np.float32]:
        """Return a target plane of a region in grey levels, on the grid of its input planes.

        Parameters are those of `image`; positions are ``regions[region].target_z_um``.
        """
        if self.manifest.target_modality == SAME_MODALITY:
            return self.image(region, plane, rows, columns)
        window = self.regions[region]
        return self._read(
            target_name(window.y_px, window.x_px),
            window,
            _checked(plane, len(window.target_z_um)),
            _shifted(rows, 0, window.size_px),
            _shifted(columns, 0, window.size_px),
        )

    def overview(self, field: int, name: str) -> NDArray[Any]:
        """Return a whole ``edf``, ``height``, ``mask`` (or ``target_edf``) of a field of view."""
        with _damage_told(self.path / self.manifest.fields[field].file):
            return np.asarray(self._file(field)[name][()])

    def _load_pairs(self) -> NDArray[Any]:
        """Return the table of all pairs, whose numbers are those of regions and their planes."""
        with _damage_told(self.path / PAIRS_NAME):
            table = np.load(self.path / PAIRS_NAME, allow_pickle=False)
            _check_table(table)
            counts = [(len(r.z_um), len(r.target_z_um)) for r in self.regions]
            planes, targets = np.array(counts, dtype=int).reshape(-1, 2).T
            region = table["region"]
            if not _all_below(region, len(self.regions)):
                raise ValueError("a pair of a region that the manifest does not list")
            for name, limits in (("source", planes), ("target", targets)):
                if not _all_below(table[name], limits[region]):
                    raise ValueError("a pair of a plane that its region does not have")
            if not np.isfinite(table["distance_um"]).all():
                raise ValueError("a distance that is not finite")
            return np.asarray(table)

    def _read(
        self, name: str, region: Region, plane: int, rows: slice, columns: slice
    ) -> NDArray[np.float32]:
        path = self.path / self.manifest.fields[region.field_of_view].file
        with _damage_told(path):
            pixels = self._file(region.field_of_view)[name][plane, rows, columns]
            return np.asarray(pixels, dtype=np.float32)

    def _file(self, field: int) -> h5py.File:
        """Return the open file of a field, opened by this process."""
        if self._process != os.getpid():
            self._files, self._process = {}, os.getpid()
        if field not in self._files:
            if len(self._files) == _MAX_OPEN_FILES:
                self._files.pop(next(iter(self._files))).close()
            self._files[field] = _open_field(self.path / self.manifest.fields[field].file)
        return self._files[field]


def open_dataset(path: str | os.PathLike[str]) -> PreparedDataset:
    """Open a prepared dataset.

    Raises
    ------
    DeepZError
        When the folder is not a dataset, is unfinished or incomplete, or has another version.
    """
    path = Path(path)
    described = path / MANIFEST_NAME
    if not described.is_file():
        raise DeepZError(
            f"{path} is not a prepared dataset (it has no {MANIFEST_NAME}); make one with "
            "'deepz-zoo prepare', or repeat the command that was interrupted"
        )
    try:
        content = json.loads(described.read_bytes(), parse_float=_finite, parse_constant=_finite)
        version = content.get("format_version")
        if version != FORMAT_VERSION:
            raise DeepZError(
                f"{path} has format {str(version)[:20]}, this version reads {FORMAT_VERSION}; "
                "prepare it anew"
            )
        manifest = DatasetManifest.model_validate(content)
    # Deeply nested JSON ends in a RecursionError.
    except (ValueError, AttributeError, RecursionError, MemoryError) as error:
        reason = str(error).partition("\n")[0]
        if isinstance(error, ValidationError):
            reason = first_fault(error).removeprefix("file: Value error, ")
        raise DeepZError(f"{described} cannot be read ({reason}); prepare it anew") from error
    files = [PAIRS_NAME, *(field.file for field in manifest.fields)]
    if missing := [name for name in files if not (path / name).is_file()]:
        raise DeepZError(
            f"{path} lacks {missing[0]} (and {len(missing) - 1} more files); copy all of it again"
        )
    return PreparedDataset(path, manifest)


def _finite(number: str) -> float:
    """Return a number of a JSON file."""
    value = float(number)
    if not math.isfinite(value):
        raise ValueError(f"the number {number[:20]} is not finite")
    return value


def target_name(y_px: int, x_px: int) -> str:
    """Return the name in a field's file of the targets of the region at (y, x)."""
    return f"targets/{y_px}_{x_px}"


@dataclass(frozen=True, eq=False)
class PreparedField:
    """A field of view to write: its record, its pairs and its pixels.

    Attributes
    ----------
    record
        The field, its regions and what was rejected.
    pairs
        Pairs of its regions, of `PAIR_DTYPE`; regions are numbered within the field.
    stack
        Aligned planes, shape (nz, ny, nx), in the type of the input.
    overviews
        Images (ny, nx) by name: ``edf``, ``height``, ``mask``, ``target_edf``.
    targets
        Targets of another modality by the (y, x) of their region, each of shape (nz, side, side).
    """

    record: FieldRecord
    pairs: NDArray[Any]
    stack: NDArray[Any]
    overviews: dict[str, NDArray[Any]]
    targets: dict[tuple[int, int], NDArray[Any]]


def write_field(path: Path, content: PreparedField) -> None:
    """Write a field of view, completely or not at all.

    The file is made in memory: HDF5 does not survive a disk that is full while it writes.

    Raises
    ------
    OSError
        If the disk is full.
    """
    image = _field_file(content)
    with replacing(path) as temporary:
        temporary.write_bytes(image)


def _field_file(content: PreparedField) -> bytes:
    """Return the HDF5 file of a field of view."""
    with h5py.File("field", "w", driver="core", backing_store=False) as file:
        _write_planes(file, "stack", content.stack)
        for name, overview in content.overviews.items():
            file.create_dataset(name, data=overview, compression="lzf", shuffle=True)
        for (y_px, x_px), planes in content.targets.items():
            _write_planes(file, target_name(y_px, x_px), planes)
        file.create_dataset("pairs", data=content.pairs)
        file.create_dataset("record", data=content.record.model_dump_json())
        file.flush()
        return bytes(file.id.get_file_image())


def read_field_record(path: Path) -> tuple[FieldRecord, NDArray[Any]]:
    """Return the record and the pairs of a stored field of view.

    Raises
    ------
    DeepZError
        If the file is damaged.
    """
    with _damage_told(path), _open_field(path) as file:
        text = file["record"].asstr()[()]
        pairs = np.asarray(file["pairs"][()])
        _check_table(pairs)
        return FieldRecord.model_validate_json(text), pairs


def is_complete_field(path: Path) -> bool:
    """Tell whether a field of view is stored and not damaged."""
    if not path.is_file():
        return False
    try:
        read_field_record(path)
    except DeepZError:
        return False
    return True


def write_pairs_and_manifest(folder: Path, manifest: DatasetManifest, pairs: NDArray[Any]) -> None:
    """Complete a dataset: write its pairs, and then its manifest."""
    with replacing(folder / PAIRS_NAME) as temporary, temporary.open("wb") as file:
        np.save(file, pairs, allow_pickle=False)
    write_record(folder / MANIFEST_NAME, manifest)


def _write_planes(file: h5py.File, name: str, planes: NDArray[Any]) -> None:
    chunk = (1, *(min(side, _CHUNK_PX) for side in planes.shape[1:]))
    file.create_dataset(name, data=planes, chunks=chunk, compression="lzf", shuffle=True)


def _check_table(table: Any) -> None:
    """Raise ValueError unless it is a table of pairs."""
    if not isinstance(table, np.ndarray) or table.dtype != PAIR_DTYPE or table.ndim != 1:
        raise ValueError("not a table of pairs")


def _all_below(numbers: NDArray[Any], limits: NDArray[Any] | int) -> bool:
    return bool(np.all((numbers >= 0) & (numbers < limits)))


def _open_field(path: Path) -> h5py.File:
    with _damage_told(path):
        # Nothing writes to a finished file, and file systems of clusters often refuse locks.
        return h5py.File(path, "r", locking=False)


@contextmanager
def _damage_told(path: Path) -> Iterator[None]:
    """Turn whatever a damaged file makes its libraries raise into one line.

    A header may ask for more memory than there is, and a truncated file of any kind raises errors
    of many kinds.
    """
    try:
        yield
    except DeepZError:
        raise
    except Exception as error:
        reason = " ".join(str(error).split()) or type(error).__name__
        raise DeepZError(f"{path} cannot be read ({reason}); prepare the dataset anew") from error


def _checked(plane: int, count: int) -> int:
    if not 0 <= plane < count:
        raise IndexError(f"plane {plane} of a region with {count}")
    return plane


def _shifted(window: slice, start: int, length: int) -> slice:
    """Return a window of a region as a window of its field."""
    first, last, step = window.indices(length)
    return slice(start + first, start + last, step)
