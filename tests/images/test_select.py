from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from deepz_zoo.errors import DeepZError
from deepz_zoo.images import Image
from deepz_zoo.images.select import select_channel, select_frames


def make(axes: str, names: tuple[str, ...] = ()) -> Image:
    shape = tuple({"t": 3, "z": 5, "c": 2, "q": 4, "y": 20, "x": 21}[axis] for axis in axes)
    return Image(np.arange(np.prod(shape)).reshape(shape), axes, 0.325, channel_names=names)


@pytest.mark.parametrize("axes", ["yx", "tyx"])
def test_images_and_time_series_stay_as_they_are(axes: str) -> None:
    image = make(axes)
    frames = select_frames(image)
    assert frames.axes == axes
    np.testing.assert_array_equal(frames.data, image.data)
    assert frames.pixel_size_um == 0.325


@pytest.mark.parametrize("channel", ["FITC", "fitc", "2"])
def test_a_channel_by_name_or_number(channel: str) -> None:
    image = make("tcyx", ("TxRd", "FITC"))
    frames = select_frames(image, input_channel=channel)
    assert (frames.axes, frames.channel_names) == ("tyx", ("FITC",))
    np.testing.assert_array_equal(frames.data, image.data[:, 1])


def test_a_plane_of_a_stack() -> None:
    image = make("zcyx")
    frames = select_frames(image, input_channel="1", plane=5)
    np.testing.assert_array_equal(frames.data, image.data[4, 0])


def test_the_only_channel_may_be_named() -> None:
    assert select_frames(make("yx", ("TxRd",)), input_channel="TxRd").axes == "yx"


@pytest.mark.parametrize(
    ("image", "choice", "says"),
    [
        (make("cyx", ("TxRd", "FITC")), {}, r"2 channels \(TxRd, FITC\): .*`input_channel`"),
        (make("cyx"), {"input_channel": "3"}, r"no channel '3'.*1 to 2"),
        (make("cyx"), {"input_channel": "0"}, "no channel '0'"),
        (make("cyx", ("a", "A")), {"input_channel": "b"}, "no channel 'b'"),
        (make("zyx"), {}, "z-stack of 5 planes.*`plane`"),
        (make("zyx"), {"plane": 6}, "no plane 6"),
        (make("zyx"), {"plane": 0}, "no plane 0"),
        (make("qyx"), {}, "`axes`.*tyx"),
    ],
)
def test_open_questions_are_asked(image: Image, choice: dict, says: str) -> None:
    with pytest.raises(DeepZError, match=says):
        select_frames(image, **choice)


def test_names_that_differ_in_case_only() -> None:
    frames = select_frames(make("cyx", ("a", "A")), input_channel="A")
    np.testing.assert_array_equal(frames.data, make("cyx").data[1])


def test_the_channel_brings_what_the_file_states_of_it_alone() -> None:
    stack = replace(make("zcyx", ("TxRd", "FITC")), emission_um=(0.615, 0.525), immersion="Oil")
    chosen = select_channel(stack, "2")
    assert (chosen.axes, chosen.data.shape) == ("zyx", (5, 20, 21))
    assert (chosen.channel_names, chosen.emission_um) == (("FITC",), (0.525,))
    assert chosen.immersion == "Oil"


def test_a_name_comes_before_a_number() -> None:
    image = make("cyx", ("2", "1"))
    np.testing.assert_array_equal(select_channel(image, "2").data, image.data[0])
