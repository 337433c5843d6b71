"""The sign of z, pinned through simulator, training pairs, refocus and package together.

A positive distance means a higher index of a stack acquired in increasing stage z.
"""

from __future__ import annotations

import zipfile
from pathlib import Path

import numpy as np
import pytest
import torch

from deepz_zoo.models import load_model
from deepz_zoo.optics import get_system
from deepz_zoo.package.build import build_package
from deepz_zoo.refocus import refocus_image
from deepz_zoo.simulate import HELD_OUT_SEED, SimulatedStack, simulate_stack
from deepz_zoo.training.simulation import build_cache
from deepz_zoo.training.sources import SimulatedPairs
from deepz_zoo.training.validation import ValidationPairs

MODEL = "leica20x_0.8/TxRd"
STEP_UM = 4.0


@pytest.fixture(scope="module")
def stack() -> SimulatedStack:
    return simulate_stack(
        get_system(MODEL), "nuclei", seed=HELD_OUT_SEED + 77, shape=(128, 128), noise="low"
    )


def nearer_to_higher_index(refocused: np.ndarray, stack: SimulatedStack) -> bool:
    """Whether an image made from the middle plane looks like the plane STEP_UM above it."""
    middle, step = len(stack.z_um) // 2, round(STEP_UM / 0.5)
    above, below = (
        np.corrcoef(refocused.ravel(), stack.noise_free[middle + sign * step].ravel())[0, 1]
        for sign in (1, -1)
    )
    return bool(above > below + 0.05)


def middle_plane(stack: SimulatedStack) -> np.ndarray:
    return stack.camera[len(stack.z_um) // 2].astype(np.float32)


def test_stage_positions_ascend_with_the_index(stack: SimulatedStack) -> None:
    assert (np.diff(stack.z_um) > 0).all()


def test_training_pairs_take_the_distance_from_input_to_target(tmp_path: Path) -> None:
    system = get_system(MODEL)
    cache = build_cache(tmp_path, system, stacks=5, stack_px=48, seed=0, progress_bar=False)
    pairs = ValidationPairs(SimulatedPairs(cache, range(5)), system.z_range_um, 20)
    for pair, sample in zip(pairs.pairs, (pairs[i] for i in range(len(pairs))), strict=True):
        assert sample["input"][1, 0, 0] == (pair.target - pair.source) * system.z_step_um
        light = cache.light[pair.region, pair.target].astype(np.float32).ravel()
        target = sample["target"][0].numpy().ravel()
        assert np.corrcoef(light, target)[0, 1] > 0.99


@pytest.mark.slow
def test_refocus_and_package_go_the_same_way(stack: SimulatedStack, tmp_path: Path) -> None:
    model, manifest = load_model(MODEL)
    image = middle_plane(stack)
    up, down = refocus_image(model, image, [STEP_UM, -STEP_UM])
    assert nearer_to_higher_index(up, stack)
    assert not nearer_to_higher_index(down, stack)

    package = build_package(model, manifest, tmp_path / "model.zip", test=False)
    with zipfile.ZipFile(package.path) as archive:
        (script,) = [name for name in archive.namelist() if "torchscript" in name]
        archive.extract(script, tmp_path)
    packaged = torch.jit.load(str(tmp_path / script))
    with torch.inference_mode():
        out = packaged(torch.from_numpy(np.stack([image, np.full_like(image, STEP_UM)])[None]))
    assert nearer_to_higher_index(out[0, 0].numpy(), stack)
