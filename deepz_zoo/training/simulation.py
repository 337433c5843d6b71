"""Simulate the stacks that a training draws from."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from rich.progress import track
from torch.utils.data import DataLoader, Dataset

from deepz_zoo.disk import is_disk_full
from deepz_zoo.errors import DeepZError
from deepz_zoo.files import replacing
from deepz_zoo.intensities import intensity_scale
from deepz_zoo.optics import ImagingSystem
from deepz_zoo.optics.psf import PsfParameters
from deepz_zoo.progress import Progress, no_progress
from deepz_zoo.simulate.specimens import draw_specimen
from deepz_zoo.simulate.stack import HELD_OUT_SEED, in_grey_levels_of, make_microscope
from deepz_zoo.simulate.volume import draw_emitters
from deepz_zoo.simulate.widefield import focal_planes
from deepz_zoo.training.cache import (
    StackCache,
    allocate_cache,
    cache_arrays,
    damaged,
    open_cache,
)

_FORMAT = 2
"""Raised when the meaning of the files changes."""

_GREY_LEVELS = 60_000.0
"""Of the brightest pixel: the intensity scale is measured on levels, as on those of a camera."""


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
    ten times as long as imaging one of them. On a CPU each of its cores simulates microscopes of
    its own. An interrupted simulation goes on where it stopped.

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
        "format": _FORMAT,
        "system": system.model_dump(mode="json"),
        "stacks": stacks,
        "stack_px": stack_px,
        "seed": seed,
        "specimens": list(system.specimens),
    }
    described, done_file = folder / "settings.json", folder / "done.json"
    if described.exists() and _read_settings(described) != settings:
        raise DeepZError(
            f"{folder} holds simulated stacks of other settings; name another folder or delete it"
        )
    z_um = focal_planes(system.z_range_um, system.z_step_um).numpy().astype(np.float64)
    done = _read_done(done_file) if described.exists() else []
    starts = [s for s in range(0, stacks, len(system.specimens)) if s not in done]
    confocal = system.confocal is not None
    if not starts:
        _write(described, settings)
        return open_cache(folder, stacks, stack_px, z_um, confocal)
    with _removed_if_useless(folder, done_file):
        folder.mkdir(parents=True, exist_ok=True)
        allocate_cache(folder, cache_arrays(stacks, len(z_um), stack_px, confocal=confocal))
        cache = open_cache(folder, stacks, stack_px, z_um, confocal)
        _write(described, settings)
        microscopes = DataLoader(
            _Microscopes(cache, system, seed, device, starts),
            batch_size=None,
            num_workers=_processes(starts, device),
        )
        for start in track(microscopes, "simulating", disable=not progress_bar):
            done.append(start)
            _write(done_file, sorted(done))
            progress("simulated stacks", min(len(done) * len(system.specimens), stacks), stacks)
    return cache


class _Microscopes(Dataset[int]):
    """The microscopes of a cache; to take one is to simulate its stacks."""

    def __init__(
        self,
        cache: StackCache,
        system: ImagingSystem,
        seed: int,
        device: str,
        starts: Sequence[int],
    ) -> None:
        self.cache, self.system, self.seed, self.device = cache, system, seed, device
        self.starts = starts

    def __len__(self) -> int:
        return len(self.starts)

    def __getitem__(self, index: int) -> int:
        start = self.starts[index]
        _simulate_with_one_microscope(self.cache, self.system, start, self.seed, self.device)
        return start


def _processes(starts: Sequence[int], device: str) -> int:
    """Return how many processes simulate beside this one; 0 for this one."""
    cores = torch.get_num_threads() if device == "cpu" else 1
    return 0 if cores == 1 or len(starts) == 1 else min(cores, len(starts))


def _simulate_with_one_microscope(
    cache: StackCache, system: ImagingSystem, start: int, seed: int, device: str
) -> None:
    """Fill a cache from the stack `start` on, with each specimen of the system once."""
    stacks, _, px, _ = cache.light.shape
    first_seed = seed * stacks + start
    psf = PsfParameters.draw(system, torch.Generator().manual_seed(first_seed))
    microscope = make_microscope(system, (px, px), psf, device)
    for index, specimen in zip(range(start, stacks), system.specimens, strict=False):
        generator = torch.Generator(device).manual_seed(seed * stacks + index)
        emitters = draw_specimen(specimen, microscope.volume, generator)
        volume = draw_emitters(
            microscope.volume, emitters.positions_um, emitters.light, emitters.radius_um
        )
        planes = microscope.image(volume)
        light: NDArray[np.float32] = (planes / planes.max()).cpu().numpy()
        target, confocal = light, microscope.confocal_image(volume)
        if confocal is not None:
            levels = in_grey_levels_of(
                np.float32(_GREY_LEVELS) * light, confocal.cpu().numpy(), math.inf
            )
            target = levels / _GREY_LEVELS
            cache.target[index] = target.astype(np.float16)
        cache.light[index] = light.astype(np.float16)
        whole = intensity_scale((_GREY_LEVELS * light.max(axis=0)).round())
        cache.scale[index] = whole.background / _GREY_LEVELS, whole.scale / _GREY_LEVELS
        cache.contrast[index] = target.std(axis=(1, 2))


def _read_settings(path: Path) -> dict[str, Any]:
    """Read the settings of a folder; fields that older folders do not have get their default."""
    try:
        settings: dict[str, Any] = json.loads(path.read_bytes())
        system = ImagingSystem.model_validate(settings["system"])
        return settings | {"system": system.model_dump(mode="json")}
    # Deeply nested JSON ends in a RecursionError.
    except (ValueError, TypeError, KeyError, RecursionError) as error:
        raise damaged(path) from error


def _read_done(path: Path) -> list[int]:
    """Return the first stacks of the microscopes that are simulated."""
    if not path.exists():
        return []
    try:
        done = json.loads(path.read_bytes())
    except (ValueError, RecursionError) as error:
        raise damaged(path) from error
    if not isinstance(done, list) or not all(isinstance(start, int) for start in done):
        raise damaged(path)
    return done


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
            names = [f"{name}.npy" for name in cache_arrays(0, 0, 0, confocal=True)]
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


def _write(path: Path, content: Any) -> None:
    """Write JSON, completely or not at all."""
    with replacing(path) as temporary:
        temporary.write_text(json.dumps(content))
