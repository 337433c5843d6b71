"""Refocused images as files."""

from __future__ import annotations

import tracemalloc
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from deepz_zoo.errors import DeepZError
from deepz_zoo.images import Image, StoredPixels, open_image, read_image
from deepz_zoo.refocus import (
    ChannelPlan,
    plan_refocus,
    refocus_image,
    refuse_refocused,
    write_refocused,
)


@pytest.fixture
def frames() -> Image:
    data = np.random.default_rng(2).poisson(400, (2, 24, 30)).astype(np.uint16)
    return Image(data, "tyx", 0.325, channel_names=("TxRd",), frame_interval_s=0.1)


@pytest.mark.parametrize("dtype", ["float32", "uint16"])
def test_planes_are_written_as_they_are_made(frames, model, manifest, tmp_path, dtype) -> None:
    plan = plan_refocus(frames, manifest, (-2.0, 0.0, 2.0))
    heard = []
    write_refocused(
        tmp_path / "out.tif",
        [ChannelPlan(plan, model)],
        dtype=dtype,
        progress=lambda step, done=0, total=0: heard.append((step, done, total)),
    )
    assert heard == [("Refocusing", 0, 0), *(("Refocusing", done, 6) for done in range(1, 7))]
    image = read_image(tmp_path / "out.tif")
    assert (image.axes, image.data.dtype) == ("tzyx", dtype)
    assert replace(image.calibration, emission_um=()) == plan.calibration
    expected = np.stack(list(plan.run(model))).reshape(plan.shape)
    tolerance = 0.5 if dtype == "uint16" else 0
    np.testing.assert_allclose(image.data, expected.clip(0), rtol=1e-6, atol=tolerance)


def test_progress_moves_within_a_large_plane(model, manifest, tmp_path) -> None:
    data = np.random.default_rng(2).poisson(400, (200, 90)).astype(np.uint16)
    plan = plan_refocus(Image(data, "yx", 0.325), manifest, (-2.0, 2.0))
    heard = []
    write_refocused(
        tmp_path / "out.tif",
        [ChannelPlan(plan, model)],
        tile_px=80,
        progress=lambda step, done=0, total=0: heard.append((done, total)),
    )
    total = heard[-1][1]
    assert heard == [(0, 0), *((done, total) for done in range(1, total + 1))]
    assert total >= 2 * 3


def test_a_series_is_read_and_written_frame_by_frame(model, manifest, tmp_path) -> None:
    """Neither the input nor the output of 80 frames is ever in memory."""
    read: list[int] = []

    def frame(index: tuple[int, ...]) -> np.ndarray:
        read.append(index[0])
        return np.random.default_rng(index[0]).poisson(400, (64, 64)).astype(np.uint16)

    frames = Image(StoredPixels((80, 64, 64), np.dtype(np.uint16), frame), "tyx", 0.325)
    plan = plan_refocus(frames, manifest, (-2.0, 2.0))
    tracemalloc.start()
    try:
        write_refocused(tmp_path / "out.tif", [ChannelPlan(plan, model)])
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 0.4 * np.prod(plan.shape) * 4
    assert read == [0, *range(80)]  # the first is looked at for warnings, too
    with open_image(tmp_path / "out.tif") as image:
        expected = refocus_image(model, frame((70,)), 2.0)
        np.testing.assert_allclose(image.plane(141), expected, rtol=1e-6)


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("out.png", "ends in .tif, .tiff or"),
        ("in.tif", "is an input too"),
        ("there.tif", "exists; name another file or set `overwrite`"),
        ("missing/out.tif", "does not exist"),
    ],
)
def test_names_that_are_refused(tmp_path: Path, name: str, says: str) -> None:
    for existing in ("in.tif", "there.tif"):
        (tmp_path / existing).touch()
    with pytest.raises(DeepZError, match=says):
        refuse_refocused(tmp_path / name, inputs=[tmp_path / "in.tif"], overwrite=False)
