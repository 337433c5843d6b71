"""The median over time of virtual stacks, of which memory holds a slab at a time."""

from __future__ import annotations

import math
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO

import numpy as np
from numpy.typing import NDArray

from deepz_zoo.errors import DeepZError
from deepz_zoo.files import temporary_folder
from deepz_zoo.measure.neurons.stacks import Stacks
from deepz_zoo.memory import in_units, refuse_too_large
from deepz_zoo.progress import Progress, no_progress

Planes = Iterator[NDArray[np.float32]]
SLAB_BYTES = 2**26
"""Of all frames together, for one median."""
_TYPE = np.dtype(np.float32)


def _leave(planes: Planes) -> None:
    for _ in planes:
        pass


def median_over_time(
    stacks: Stacks,
    step: str,
    *,
    see: Callable[[Planes], None] = _leave,
    progress: Progress = no_progress,
) -> NDArray[np.float32]:
    """Make every stack once, and return the median of each voxel over the frames.

    "The red channel stacks (Texas Red, neuron nuclei) were projected by median-intensity through
    the time sequence."

    The stacks go through a temporary file of frames × planes × rows × columns × 4 bytes.

    Parameters
    ----------
    stacks
        Of one channel.
    step
        Its name for `progress`.
    see
        Sees the planes of each frame as they are made; it has to take all of them.
    progress
        Called for each frame.

    Returns
    -------
    ndarray of float32, shape (z, y, x)

    Raises
    ------
    DeepZError
        If there is no room for the file, or memory for one stack.
    """
    shape = (stacks.frames, *stacks.shape)
    size = math.prod(shape) * _TYPE.itemsize
    refuse_too_large(size / stacks.frames, "the median of the virtual stacks")
    with temporary_folder("neurons") as folder:
        free = shutil.disk_usage(folder).free
        if size > free:
            raise DeepZError(
                f"the virtual stacks of {stacks.frames} frames take {in_units(size)} among "
                f"temporary files, and {in_units(free)} are free in {folder.parent}; free some "
                "space, or let TMPDIR name another folder"
            )
        path = folder / "stacks.f32"
        with path.open("wb") as file:
            for frame in range(stacks.frames):
                progress(step, frame, stacks.frames)
                see(_kept(stacks.planes(frame), file))
        progress(step, stacks.frames, stacks.frames)
        return _median(path, shape)


def _kept(planes: Planes, file: IO[bytes]) -> Planes:
    """Yield planes, which are written to a file."""
    for plane in planes:
        file.write(np.ascontiguousarray(plane, dtype=_TYPE).data)
        yield plane


def _median(path: Path, shape: tuple[int, ...]) -> NDArray[np.float32]:
    frames, planes, ny, nx = shape
    rows = max(1, SLAB_BYTES // (frames * nx * _TYPE.itemsize))
    median = np.empty(shape[1:], _TYPE)
    for plane in range(planes):
        stored = np.memmap(path, _TYPE, "r", shape=shape)  # again: memory lets go of what was read
        for first in range(0, ny, rows):
            slab = np.array(stored[:, plane, first : first + rows])
            median[plane, first : first + rows] = np.median(slab, axis=0, overwrite_input=True)
        del stored
    return median
