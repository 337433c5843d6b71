"""Simulated stacks on disk, from which a training draws faster than it could simulate."""

from __future__ import annotations

import json
import math
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from rich.progress import track

from deepz_zoo.disk import allocate, is_disk_full
from deepz_zoo.errors import DeepZError
from deepz_zoo.files import replacing
from deepz_zoo.intensities import intensity_scale
from deepz_zoo.memory import in_units
from deepz_zoo.optics import ImagingSystem
from deepz_zoo.optics.psf import PsfParameters
from deepz_zoo.progress import Progress, no_progress
from deepz_zoo.simulate.camera import Camera
from deepz_zoo.simulate.stack import HELD_OUT_SEED, Noise, make_microscope, simulate_stack
from deepz_zoo.simulate.widefield import focal_planes

# Alternated between microscopes: noise in all stacks would teach the network to blur, noise in none
# to trust every pixel.
_NOISES: tuple[Noise, ...] = ("low", "realistic")


@dataclass(frozen=True)
class StackCache:
    """Stacks of one system in memory-mapped files.

    When passed to another process, it is opened there, not copied.

    Attributes
    ----------
    folder
        Folder of the files.
    camera
        Camera images in grey levels, uint16, shape (n, nz, ny, nx).
    light
        Ground truth for a model: planes without noise and camera offset, float16.
    single_image_scale
        Background and scale of each camera image by itself, shape (n, nz, 2).
    stack_scale
        Background and scale of each stack, from its maximum projection, shape (n, 2).
    contrast
        Standard deviation of each ground-truth plane, shape (n, nz).
    z_um
        Stage positions of the planes.
    """

    folder: Path
    camera: NDArray[np.uint16]
    light: NDArray[np.float16]
    single_image_scale: NDArray[np.float32]
    stack_scale: NDArray[np.float32]
    contrast: NDArray[np.float32]
    z_um: NDArray[np.float64]

    def __len__(self) -> int:
        return len(self.camera)

    def __reduce__(self) -> tuple[Any, ...]:
        stacks, _, px, _ = self.camera.shape
        return _open, (self.folder, stacks, px, self.z_um)


def build_cache(
    folder: Path,
    system: ImagingSystem,
    *,
    stacks: int,
    stack_px: int,
    seed: int,
    device: str = "cpu",
    progress_bar: bool = True,
    progress: Progress = no_progress,
) -> StackCache:
    """Simulate stacks into `folder`, or open them if they exist.

    The specimens of a system are imaged by one microscope, since its point-spread function takes
    ten times as long as imaging one of them. An interrupted simulation goes on where it stopped.

    Raises
    ------
    DeepZError
        If the folder holds stacks of other settings or damaged ones, or the disk is full.
    """
    if (seed + 1) * stacks > HELD_OUT_SEED:
        raise DeepZError(
            f"`seed` {seed} with {stacks} `stacks` extends into the held-out seeds; choose a "
            "smaller one"
        )
    settings = {
        "system": system.model_dump(mode="json"),
        "stacks": stacks,
        "stack_px": stack_px,
        "seed": seed,
        "specimens": list(system.specimens),
        "noises": list(_NOISES),
    }
    described, done_file = folder / "settings.json", folder / "done.json"
    if described.exists() and _read_settings(described) != settings:
        raise DeepZError(
            f"{folder} holds simulated stacks of other settings; name another folder or delete it"
        )
    z_um = focal_planes(system.z_range_um, system.z_step_um).numpy().astype(np.float64)
    done = _read_done(done_file) if described.exists() else 0
    starts = range(done, stacks, len(system.specimens))
    if not starts:
        _write(described, settings)
        return _open(folder, stacks, stack_px, z_um)
    with _removed_if_useless(folder, done_file):
        folder.mkdir(parents=True, exist_ok=True)
        _allocate(folder, _arrays(stacks, len(z_um), stack_px))
        cache = _open(folder, stacks, stack_px, z_um)
        _write(described, settings)
        for start in track(starts, "simulating", disable=not progress_bar):
            _simulate_with_one_microscope(cache, system, start, seed, device)
            made = min(start + len(system.specimens), stacks)
            _write(done_file, made)
            progress("simulated stacks", made, stacks)
    return cache


def _read_settings(path: Path) -> dict[str, Any]:
    """Read the settings of a folder; fields that older folders do not have get their default."""
    try:
        settings: dict[str, Any] = json.loads(path.read_bytes())
        system = ImagingSystem.model_validate(settings["system"])
        return settings | {"system": system.model_dump(mode="json")}
    # Deeply nested JSON ends in a RecursionError.
    except (ValueError, TypeError, KeyError, RecursionError) as error:
        raise _damaged(path) from error


def _read_done(path: Path) -> int:
    """Return how many stacks are simulated."""
    if not path.exists():
        return 0
    try:
        done = json.loads(path.read_bytes())
    except (ValueError, RecursionError) as error:
        raise _damaged(path) from error
    if not isinstance(done, int) or done < 0:
        raise _damaged(path)
    return done


def _damaged(path: Path) -> DeepZError:
    return DeepZError(f"{path} is damaged; delete {path.parent} to simulate its stacks again")


@contextmanager
def _removed_if_useless(folder: Path, done_file: Path) -> Iterator[None]:
    """Delete the files of a simulation that ends before its first stacks are complete.

    Raises
    ------
    DeepZError
        In place of a full disk.
    """
    missing = [path for path in (folder, *folder.parents) if not path.exists()]
    try:
        yield
    except BaseException as error:
        if not done_file.exists():
            names = [f"{name}.npy" for name in _arrays(0, 0, 0)]
            for name in (*names, "settings.json"):
                (folder / name).unlink(missing_ok=True)
            for path in missing:
                with suppress(OSError):
                    path.rmdir()
        if not is_disk_full(error):
            raise
        goes_on = " and repeat the command to go on" if done_file.exists() else ""
        raise DeepZError(
            f"the disk of {folder} is full; free some space{goes_on}, or give a folder on another "
            "disk as `stacks_folder`"
        ) from error


def _allocate(folder: Path, arrays: dict[str, tuple[Any, tuple[int, ...]]]) -> None:
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
        stacks = arrays["camera"][1][0]
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


def _write(path: Path, content: Any) -> None:
    """Write JSON, completely or not at all."""
    with replacing(path) as temporary:
        temporary.write_text(json.dumps(content))


def _arrays(n: int, nz: int, px: int) -> dict[str, tuple[Any, tuple[int, ...]]]:
    """Return type and shape of the arrays of a folder."""
    return {
        "camera": (np.uint16, (n, nz, px, px)),
        "light": (np.float16, (n, nz, px, px)),
        "lone_scale": (np.float32, (n, nz, 2)),  # single_image_scale, as in older folders
        "stack_scale": (np.float32, (n, 2)),
        "contrast": (np.float32, (n, nz)),
    }


def _open(folder: Path, n: int, px: int, z_um: NDArray[np.float64]) -> StackCache:
    """Map the arrays of a folder, which exist."""
    arrays = {}
    for name, (dtype, shape) in _arrays(n, len(z_um), px).items():
        file = folder / f"{name}.npy"
        try:
            array = np.lib.format.open_memmap(file, "r+")
        except (ValueError, EOFError, FileNotFoundError) as error:
            raise _damaged(file) from error
        if array.dtype != dtype or array.shape != shape:
            raise _damaged(file)
        arrays[name] = array
    return StackCache(
        folder=folder,
        camera=arrays["camera"],
        light=arrays["light"],
        single_image_scale=arrays["lone_scale"],
        stack_scale=arrays["stack_scale"],
        contrast=arrays["contrast"],
        z_um=z_um,
    )


def _simulate_with_one_microscope(
    cache: StackCache, system: ImagingSystem, start: int, seed: int, device: str
) -> None:
    import torch

    n, _, px, _ = cache.camera.shape
    first_seed = seed * n + start
    psf = PsfParameters.draw(system, torch.Generator().manual_seed(first_seed))
    microscope = make_microscope(system, (px, px), psf, device)
    noise = _NOISES[start // len(system.specimens) % len(_NOISES)]
    offset = Camera().offset
    for index, specimen in zip(range(start, n), system.specimens, strict=False):
        stack = simulate_stack(
            system,
            specimen,
            seed=seed * n + index,
            shape=(px, px),
            noise=noise,
            device=device,
            microscope=microscope,
        )
        cache.camera[index] = stack.camera
        cache.light[index] = (stack.ground_truth - offset).astype(np.float16)
        for plane, image in enumerate(stack.camera):
            alone = intensity_scale(image)
            cache.single_image_scale[index, plane] = alone.background, alone.scale
        whole = intensity_scale(stack.noise_free.max(axis=0).round())
        cache.stack_scale[index] = whole.background, whole.scale
        cache.contrast[index] = stack.ground_truth.std(axis=(1, 2))
