"""What goes in is hashed, and nothing twice."""

from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np
import pytest
import tifffile

from deepz_zoo.errors import DeepZError
from deepz_zoo.preprocess.dataset.plan import (
    PreparationPlan,
    StackFile,
    describe_sources,
    list_tasks,
)
from deepz_zoo.records.dataset import PreparationSettings, StackReading


@pytest.fixture
def files(tmp_path: Path, write_stack) -> list[Path]:
    rng = np.random.default_rng(0)
    shape = (6, 40, 40)
    stacks = [rng.integers(90, 999, shape).astype(np.uint16) for _ in range(3)]
    return [write_stack(tmp_path / f"{i}.ome.tif", stack) for i, stack in enumerate(stacks)]


def positions(path: Path, count: int) -> Path:
    """Write an OME-TIFF of several positions, as a stage that visits them does."""
    rng = np.random.default_rng(7)
    with tifffile.TiffWriter(path, ome=True) as file:
        for _ in range(count):
            file.write(
                rng.integers(90, 999, (6, 40, 48)).astype(np.uint16),
                metadata={
                    "axes": "ZYX",
                    "PhysicalSizeX": 0.325,
                    "PhysicalSizeY": 0.325,
                    "PhysicalSizeZ": 0.5,
                },
                photometric="minisblack",
            )
    return path


def described(files: list[StackFile]):
    seen = []
    sources = describe_sources(files, lambda *step: seen.append(step))
    assert seen[-1] == ("reading", len(files), len(files))
    return sources


def plan_of(files: list[StackFile], system) -> PreparationPlan:
    return PreparationPlan(
        system=system,
        target_modality="same",
        parameters=PreparationSettings(region_px=32),
        reading=StackReading(),
        target_reading=None,
        sources=described(files),
    )


def test_sources_carry_name_hash_and_role(files) -> None:
    source, _, test = described(
        [StackFile(files[0]), StackFile(files[1]), StackFile(files[2], "test")]
    )
    assert source.file.name == "0.ome.tif"
    assert source.file.sha256 == hashlib.sha256(files[0].read_bytes()).hexdigest()
    assert (source.role, test.role, source.positions) == ("training", "test", 1)


def test_the_same_content_twice_is_refused(files, tmp_path: Path) -> None:
    copy = tmp_path / "copy.ome.tif"
    copy.write_bytes(files[0].read_bytes())
    with pytest.raises(DeepZError, match=r"copy.ome.tif has the same content as .*0.ome.tif"):
        described([StackFile(files[0]), StackFile(copy, "test")])


def test_every_position_is_a_field_of_view(files, tmp_path: Path, system) -> None:
    several = positions(tmp_path / "several.ome.tif", 3)
    listed = [StackFile(files[0]), StackFile(several, "test")]
    tasks = list(list_tasks(listed, plan_of(listed, system)))
    assert [(task.source, task.position, task.role) for task in tasks] == [
        (0, 0, "training"), (1, 0, "test"), (1, 1, "test"), (1, 2, "test"),
    ]  # fmt: skip
    assert [task.name for task in tasks] == [f"fields/000{i}.h5" for i in range(4)]
    stacks = [task.read()[0].data for task in tasks[1:]]
    with tifffile.TiffFile(several) as tif:
        for series, stack in zip(tif.series, stacks, strict=True):
            np.testing.assert_array_equal(series.asarray(), stack)


def test_each_image_needs_a_target(files, tmp_path: Path) -> None:
    several = positions(tmp_path / "several.ome.tif", 2)
    with pytest.raises(DeepZError, match=r"0.ome.tif holds 1 images, .*several.ome.tif 2"):
        described([StackFile(several, target=files[0])])


@pytest.mark.parametrize(
    ("shape", "advice"),
    [((6, 40, 60), "choose a smaller `region_px`"), ((6, 20, 60), "too small to train on")],
)
def test_a_field_smaller_than_a_region_is_told_before_the_work(
    tmp_path: Path, write_stack, system, shape, advice: str
) -> None:
    path = write_stack(tmp_path / "small.ome.tif", np.ones(shape, np.uint16))
    listed = [StackFile(path)]
    plan = plan_of(listed, system).model_copy(
        update={"parameters": PreparationSettings(region_px=64)}
    )
    with pytest.raises(DeepZError) as caught:
        next(list_tasks(listed, plan)).check()
    assert "small.ome.tif: the field of view is" in str(caught.value)
    assert advice in str(caught.value)
