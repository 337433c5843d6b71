"""The median over time is NumPy's, whatever the memory for it."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from deepz_zoo.errors import DeepZError
from deepz_zoo.measure.neurons import projection
from deepz_zoo.measure.neurons.projection import median_over_time


class DrawnStacks:
    """Random stacks of a shape."""

    def __init__(self, frames: int, shape: tuple[int, int, int]) -> None:
        self.frames, self.shape, self.z_um, self.used = frames, shape, None, None
        self.stacks = np.random.default_rng(0).normal(size=(frames, *shape)).astype(np.float32)

    def planes(self, frame: int):
        yield from self.stacks[frame]


@pytest.mark.parametrize("slab_bytes", [1, 5000, 2**26])
def test_the_median_of_slabs_is_that_of_all(slab_bytes, monkeypatch):
    monkeypatch.setattr(projection, "SLAB_BYTES", slab_bytes)
    stacks = DrawnStacks(7, (3, 20, 24))
    seen: list[np.ndarray] = []
    found = median_over_time(stacks, "Median", see=lambda planes: seen.append(np.stack([*planes])))
    np.testing.assert_array_equal(found, np.median(stacks.stacks, axis=0))
    np.testing.assert_array_equal(seen, stacks.stacks)


def test_no_room_among_temporary_files_is_told_before_anything_is_made(monkeypatch, tmp_path):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    monkeypatch.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(free=100))
    with pytest.raises(DeepZError, match=r"of 7 frames take 39\.4 KiB .* TMPDIR"):
        median_over_time(DrawnStacks(7, (3, 20, 24)), "Median")
    assert not list(Path(tmp_path).iterdir())
