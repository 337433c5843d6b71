"""The frames of nuclei and activity find each other."""

from __future__ import annotations

import numpy as np
import pytest

from deepz_zoo.errors import DeepZError
from deepz_zoo.images import Image, open_image, write_image
from deepz_zoo.measure.neurons import pair_channels, pair_interleaved


def numbered(*shape: int, axes: str, **known) -> Image:
    """Return an image whose planes hold their own number."""
    data = np.arange(np.prod(shape), dtype=np.uint16).reshape(*shape, 1, 1)
    return Image(np.broadcast_to(data, (*shape, 16, 16)), axes, **known)


def numbers(video: Image) -> list[int]:
    return [int(plane[0, 0]) for plane in video.planes()]


@pytest.mark.parametrize(
    ("names", "nuclei", "activity"),
    [
        ({"nuclei": "TxRd", "activity": "1"}, [1, 3, 5], [0, 2, 4]),
        ({"nuclei": "2"}, [1, 3, 5], [0, 2, 4]),
        ({"activity": "TxRd"}, [0, 2, 4], [1, 3, 5]),
    ],
)
def test_channels_are_named_or_numbered(names, nuclei, activity):
    image = numbered(3, 2, axes="tcyx", channel_names=("FITC", "TxRd"))
    pairs = pair_channels(image, **names)
    assert (numbers(pairs.nuclei), numbers(pairs.activity)) == (nuclei, activity)
    assert len(pairs) == 3


def test_adjacent_frames_are_combined_and_the_activity_comes_first(tmp_path):
    write_image(tmp_path / "v.tif", numbered(7, axes="tyx", frame_interval_s=0.1))
    with open_image(tmp_path / "v.tif") as image:
        pairs = pair_interleaved(image)
        assert numbers(pairs.activity) == [0, 2, 4]
        assert numbers(pairs.nuclei) == [1, 3, 5]
        assert pairs.nuclei.frame_interval_s == pytest.approx(0.2)
        assert "7 frames; the last one" in pairs.warnings[0]
        assert numbers(pair_interleaved(image, nuclei_first=True).nuclei) == [0, 2, 4]


@pytest.mark.parametrize(
    ("shape", "axes", "names", "line"),
    [
        ((4,), "tyx", {}, "a single channel"),
        ((4, 2), "tcyx", {}, "has 2 channels"),
        ((4, 3), "tcyx", {"nuclei": "1"}, "set both"),
        ((4, 2), "tcyx", {"nuclei": "1", "activity": "1"}, "both name channel 1"),
        ((2,), "cyx", {"nuclei": "1"}, "has 1 frame of"),
    ],
)
def test_what_is_no_pair_of_channels_is_refused(shape, axes, names, line):
    with pytest.raises(DeepZError, match=line):
        pair_channels(numbered(*shape, axes=axes), **names)


@pytest.mark.parametrize(
    ("shape", "axes", "line"),
    [((3,), "tyx", "has 3 frames"), ((), "yx", "has 1 frame;"), ((4, 2), "tcyx", "2 channels")],
)
def test_what_does_not_take_turns_is_refused(shape, axes, line):
    with pytest.raises(DeepZError, match=line):
        pair_interleaved(numbered(*shape, axes=axes))
