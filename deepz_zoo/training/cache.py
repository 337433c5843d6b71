"""Simulated stacks on disk, from which a training draws faster than it could simulate."""

from __future__ import annotations

import math
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from deepz_zoo.disk import allocate
from deepz_zoo.errors import DeepZError
from deepz_zoo.memory import in_units

Arrays = dict[str, tuple[Any, tuple[int, ...]]]
"""Type and shape of each array of a folder."""


@dataclass(frozen=True)
class StackCache:
    """The light of simulated stacks of one system, in memory-mapped files.

    It is relative to the brightest pixel of each stack: exposure and noise are drawn anew whenever
    a plane is trained on. When passed to another process, it is opened there, not copied.

    Attributes
    ----------
    folder
        Folder of the files.
    light
        Planes of the wide-field microscope, float16, shape (n, nz, ny, nx).
    target
        What a model should make of them: the planes of the confocal microscope for a system of
        Deep-Z+, with the background and scale of `light`; `light` itself otherwise.
    scale
        Background and intensity scale of each stack, from its maximum projection, shape (n, 2).
    contrast
        Standard deviation of each plane of `target`, shape (n, nz).
    z_um
        Stage positions of the planes.
    """

    folder: Path
    light: NDArray[np.float16]
    target: NDArray[np.float16]
    scale: NDArray[np.float32]
    contrast: NDArray[np.float32]
    z_um: NDArray[np.float64]

    def __len__(self) -> int:
        return len(self.light)

    def __reduce__(self) -> tuple[Any, ...]:
        stacks, _, px, _ = self.light.shape
        return open_cache, (self.folder, stacks, px, self.z_um, self.target is not self.light)


def cache_arrays(n: int, nz: int, px: int, *, confocal: bool) -> Arrays:
    """Return type and shape of the arrays of a folder."""
    planes = (np.float16, (n, nz, px, px))
    return {
        "light": planes,
        **({"target": planes} if confocal else {}),
        "scale": (np.float32, (n, 2)),
        "contrast": (np.float32, (n, nz)),
    }


def open_cache(
    folder: Path, n: int, px: int, z_um: NDArray[np.float64], confocal: bool
) -> StackCache:
    """Map the arrays of a folder, which exist.

    Raises
    ------
    DeepZError
        If one is missing, damaged or of another size.
    """
    arrays = {}
    for name, (dtype, shape) in cache_arrays(n, len(z_um), px, confocal=confocal).items():
        file = folder / f"{name}.npy"
        try:
            array = np.lib.format.open_memmap(file, "r+")
        except (ValueError, EOFError, FileNotFoundError) as error:
            raise damaged(file) from error
        if array.dtype != dtype or array.shape != shape:
            raise damaged(file)
        arrays[name] = array
    return StackCache(folder=folder, z_um=z_um, **{"target": arrays["light"], **arrays})


def allocate_cache(folder: Path, arrays: Arrays) -> None:
    """Make the files of the arrays, with all of their space on the disk.

    Raises
    ------
    DeepZError
        If they are larger than the free space, before anything is written.
    """
    size, present = 0, 0
    for name, (dtype, shape) in arrays.items():
        size += math.prod(shape) * np.dtype(dtype).itemsize
        file = folder / f"{name}.npy"
        present += _bytes_on_disk(file) if file.exists() else 0
    free = shutil.disk_usage(folder).free + present
    if size > free:
        stacks = arrays["light"][1][0]
        raise DeepZError(
            f"{stacks:,} simulated stacks would take {in_units(size)} in {folder}, where "
            f"{in_units(free)} are free; choose fewer `stacks`, or a folder on another disk as "
            "`stacks_folder`"
        )
    for name, (dtype, shape) in arrays.items():
        file = folder / f"{name}.npy"
        if not file.exists():
            np.lib.format.open_memmap(file, "w+", dtype, shape).flush()
        allocate(file, file.stat().st_size)


def _bytes_on_disk(path: Path) -> int:
    """Return the space that a file takes, which is less than its size if it has holes."""
    status = path.stat()
    return 512 * getattr(status, "st_blocks", 0) or status.st_size


def damaged(path: Path) -> DeepZError:
    """Return the error of a folder that holds a damaged file."""
    return DeepZError(f"{path} is damaged; delete {path.parent} to simulate its stacks again")
