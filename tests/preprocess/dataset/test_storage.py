"""The dataset on disk: what is read is what was prepared, and damage is told."""

from __future__ import annotations

import json
import multiprocessing
import pickle
import shutil
import tracemalloc
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import h5py
import numpy as np
import pytest

from deepz_zoo.errors import DeepZError
from deepz_zoo.preprocess.dataset.plan import StackFile
from deepz_zoo.preprocess.dataset.prepare import prepare_dataset
from deepz_zoo.preprocess.dataset.storage import PreparedDataset, open_dataset
from deepz_zoo.records.dataset import PreparationSettings


@pytest.fixture(scope="module")
def prepared(tmp_path_factory, stacks, system) -> PreparedDataset:
    return prepare_dataset(
        [StackFile(path) for path in stacks.values()],
        tmp_path_factory.mktemp("data") / "worms",
        system,
        PreparationSettings(align="none", region_px=48, planes_each_side=4, targets=3),
    )


@pytest.fixture
def copy(prepared: PreparedDataset, tmp_path: Path) -> Path:
    return Path(shutil.copytree(prepared.path, tmp_path / "copy"))


def test_planes_and_windows_are_those_of_the_stack(prepared: PreparedDataset) -> None:
    for index, region in enumerate(prepared.regions):
        field = prepared.manifest.fields[region.field_of_view]
        with h5py.File(prepared.path / field.file, locking=False) as file:
            stack = file["stack"][()]
        assert stack.shape == field.shape
        y, x, side = region.y_px, region.x_px, region.size_px
        plane = region.first_plane + 2
        expected = stack[plane, y : y + side, x : x + side]
        found = prepared.image(index, 2)
        assert found.dtype == np.float32
        np.testing.assert_array_equal(found, expected)
        np.testing.assert_array_equal(prepared.target(index, 2), expected)
        window = prepared.image(index, 2, slice(10, 20), slice(30, None))
        np.testing.assert_array_equal(window, expected[10:20, 30:])


def test_pairs_lie_in_their_split_and_carry_their_distance(prepared: PreparedDataset) -> None:
    total = 0
    for split, count in prepared.manifest.pair_counts.items():
        pairs = prepared.pairs(split)
        assert len(pairs) == count
        total += count
        for pair in pairs:
            region = prepared.regions[pair.region]
            assert region.split == split
            assert pair.distance_um == pytest.approx(0.5 * (pair.target - pair.source))
            assert pair.distance_um == region.z_um[pair.target] - region.z_um[pair.source]
    assert total == sum(3 * len(region.z_um) for region in prepared.regions)


@pytest.mark.parametrize("plane", [-1, 9])
def test_a_plane_outside_the_region_is_an_error(prepared: PreparedDataset, plane: int) -> None:
    with pytest.raises(IndexError, match=f"plane {plane} of a region"):
        prepared.image(0, plane)


def test_a_window_is_read_without_the_rest(prepared: PreparedDataset, tmp_path: Path) -> None:
    """So a dataset may be larger than the memory."""
    folder = Path(shutil.copytree(prepared.path, tmp_path / "large"))
    field = prepared.manifest.fields[prepared.regions[0].field_of_view]
    with h5py.File(folder / field.file, "r+") as file:
        chunks, kept = file["stack"].chunks, file["stack"][()]
        assert chunks == (1, *(min(side, 128) for side in kept.shape[1:]))
        del file["stack"]
        large = file.create_dataset("stack", (41, 4096, 4096), np.uint16, chunks=(1, 128, 128))
        large[:, : kept.shape[1], : kept.shape[2]] = kept
    dataset = open_dataset(folder)
    tracemalloc.start()
    window = dataset.image(0, 2)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    np.testing.assert_array_equal(window, prepared.image(0, 2))
    assert peak < 2e6, "of 1.4 GB"


def test_it_may_be_handed_to_other_processes(prepared: PreparedDataset) -> None:
    expected = prepared.image(0, 1)
    again = pickle.loads(pickle.dumps(prepared))  # without its open files
    np.testing.assert_array_equal(again.image(0, 1), expected)
    # Not multiprocessing.Pool, which ends its processes by a signal that Java has taken over where
    # ImageJ runs in this process.
    with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("fork")) as pool:
        np.testing.assert_array_equal(pool.submit(prepared.image, 0, 1).result(), expected)


# ---------------------------------------------------------------------------------------- damage


def test_a_truncated_field_is_told(copy: Path) -> None:
    path = copy / "fields" / "0000.h5"
    path.write_bytes(path.read_bytes()[:5000])
    dataset = open_dataset(copy)
    with pytest.raises(DeepZError, match=r"0000.h5 cannot be read .*; prepare the dataset anew"):
        dataset.overview(0, "edf")


def test_truncated_pairs_are_told(copy: Path) -> None:
    path = copy / "pairs.npy"
    path.write_bytes(path.read_bytes()[:200])
    with pytest.raises(DeepZError, match=r"pairs.npy cannot be read"):
        open_dataset(copy).pairs("training")


@pytest.mark.parametrize("missing", ["pairs.npy", "fields/0001.h5"])
def test_missing_files_are_told(copy: Path, missing: str) -> None:
    (copy / missing).unlink()
    with pytest.raises(DeepZError, match=f"lacks {missing}"):
        open_dataset(copy)


@pytest.mark.parametrize("content", ["", "{", "[]", '{"format_version": 1}'])
def test_a_damaged_manifest_is_told(copy: Path, content: str) -> None:
    (copy / "manifest.json").write_text(content)
    with pytest.raises(DeepZError, match=r"manifest.json cannot be read"):
        open_dataset(copy)


def test_a_dataset_with_the_old_names_of_fields_is_opened(copy: Path) -> None:
    text = (copy / "manifest.json").read_text()
    for old, new in (
        ("lone_scale", "single_image_scale"),
        ("mask_share", "mask_fraction"),
        ("validation_share", "validation_fraction"),
        ("channel_index", "input_channel"),
    ):
        assert f'"{new}"' in text
        text = text.replace(f'"{new}"', f'"{old}"')
    expected = open_dataset(copy).manifest
    (copy / "manifest.json").write_text(text)
    assert open_dataset(copy).manifest == expected


def test_another_version_is_told(copy: Path) -> None:
    manifest = json.loads((copy / "manifest.json").read_text())
    (copy / "manifest.json").write_text(json.dumps(manifest | {"format_version": 99}))
    with pytest.raises(DeepZError, match="has format 99, this version reads 1"):
        open_dataset(copy)


def test_what_is_no_dataset(tmp_path: Path) -> None:
    with pytest.raises(DeepZError, match="is not a prepared dataset"):
        open_dataset(tmp_path)
