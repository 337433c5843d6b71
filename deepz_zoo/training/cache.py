"""Simulated stacks on disk, from which a training draws faster than it could simulate."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from rich.progress import track

from deepz_zoo.errors import DeepZError
from deepz_zoo.files import replacing
from deepz_zoo.intensities import intensity_scale
from deepz_zoo.optics import ImagingSystem
from deepz_zoo.optics.psf import PsfParameters
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
) -> StackCache:
    """Simulate stacks into `folder`, or open them if they exist.

    The specimens of a system are imaged by one microscope, since its point-spread function takes
    ten times as long as imaging one of them. An interrupted simulation goes on where it stopped.

    Raises
    ------
    DeepZError
        If the folder holds stacks of other settings.
    """
    folder.mkdir(parents=True, exist_ok=True)
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
    _write(described, settings)
    z_um = focal_planes(system.z_range_um, system.z_step_um).numpy().astype(np.float64)
    cache = _open(folder, stacks, stack_px, z_um)
    done = json.loads(done_file.read_text()) if done_file.exists() else 0
    starts = range(done, stacks, len(system.specimens))
    if not starts:
        return cache
    for start in track(starts, "simulating", disable=not progress_bar):
        _simulate_with_one_microscope(cache, system, start, seed, device)
        _write(done_file, min(start + len(system.specimens), stacks))
    return cache


def _read_settings(path: Path) -> dict[str, Any]:
    """Read the settings of a folder; fields that older folders do not have get their default."""
    settings: dict[str, Any] = json.loads(path.read_text())
    system = ImagingSystem.model_validate(settings["system"])
    return settings | {"system": system.model_dump(mode="json")}


def _write(path: Path, content: Any) -> None:
    """Write JSON, completely or not at all."""
    with replacing(path) as temporary:
        temporary.write_text(json.dumps(content))


def _open(folder: Path, n: int, px: int, z_um: NDArray[np.float64]) -> StackCache:
    nz = len(z_um)

    def array(name: str, dtype: Any, *shape: int) -> NDArray[Any]:
        file = folder / f"{name}.npy"
        mode: Any = "r+" if file.exists() else "w+"
        return np.lib.format.open_memmap(file, mode, dtype, shape)

    return StackCache(
        folder=folder,
        camera=array("camera", np.uint16, n, nz, px, px),
        light=array("light", np.float16, n, nz, px, px),
        single_image_scale=array("lone_scale", np.float32, n, nz, 2),  # as in older folders
        stack_scale=array("stack_scale", np.float32, n, 2),
        contrast=array("contrast", np.float32, n, nz),
        z_um=z_um,
    )


def _simulate_with_one_microscope(
    cache: StackCache, system: ImagingSystem, start: int, seed: int, device: str
) -> None:
    import torch

    n, _, px, _ = cache.camera.shape
    if (seed + 1) * n > HELD_OUT_SEED:
        raise DeepZError(f"`seed` {seed} extends into the held-out seeds; choose a smaller one")
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
