"""The two channels of a video, frame by frame."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from deepz_zoo.errors import DeepZError
from deepz_zoo.images import Array, Image, StoredPixels
from deepz_zoo.images.select import (
    channel_count,
    channel_index,
    check_axes_named,
    select_frames,
    take_channel,
)

_MIN_FRAMES = 2


@dataclass(frozen=True, eq=False)
class Pairs:
    """The frames of both channels, as many of each.

    Attributes
    ----------
    nuclei
        The channel that shows where neurons are; axes ``tyx``, read or open.
    activity
        The channel whose brightness is their activity.
    warnings
        A line for each thing that the user should know.
    """

    nuclei: Image[Any]
    activity: Image[Any]
    warnings: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        """Check that there is a change to be seen."""
        if self.nuclei.axes != "tyx" or len(self) < _MIN_FRAMES:
            count = len(self) if self.nuclei.axes == "tyx" else 1
            raise DeepZError(
                f"the video has {count} frame{'' if count == 1 else 's'} of each channel; expected "
                f"{_MIN_FRAMES} or more: activity is a change over time"
            )

    def __len__(self) -> int:
        """Return the number of pairs."""
        return int(self.nuclei.data.shape[0])


def pair_channels(
    image: Image[Any], nuclei: str | None = None, activity: str | None = None
) -> Pairs:
    """Pair the frames of two channels of a video.

    Parameters
    ----------
    image
        A time series with a channel axis, read or open.
    nuclei, activity
        Names of the channels or their numbers from 1; of two channels one may be left out.

    Raises
    ------
    DeepZError
        If there is a single channel or a single frame, or the channels are not told apart.
    """
    check_axes_named(image)
    count = channel_count(image)
    if count < 2:
        raise DeepZError(
            "the video has a single channel; expected two, nuclei and activity: set "
            "`interleaved` if its frames show them in turn"
        )
    if nuclei is None and activity is None:
        names = ", ".join(image.channel_names) or f"1 to {count}"
        raise DeepZError(
            f"the video has {count} channels ({names}); say which shows the `nuclei` and which the "
            "`activity`"
        )
    chosen = [None if name is None else channel_index(image, name) for name in (nuclei, activity)]
    if None in chosen:
        others = [index for index in range(count) if index not in chosen]
        if len(others) > 1:
            raise DeepZError(f"the video has {count} channels; set both `nuclei` and `activity`")
        chosen = [others[0] if index is None else index for index in chosen]
    first, second = chosen
    if first == second:
        raise DeepZError(f"`nuclei` and `activity` both name channel {(first or 0) + 1}")
    one, other = (select_frames(take_channel(image, index or 0)) for index in (first, second))
    return Pairs(one, other)


def pair_interleaved(image: Image[Any], *, nuclei_first: bool = False) -> Pairs:
    """Pair the frames of a video that shows its two channels in turn.

    "The […] video was captured by time-multiplexing the two fluorescence channels (FITC, followed
    by TexasRed, and then FITC and so on). The adjacent frames were combined."

    Parameters
    ----------
    image
        A time series of one channel, axes ``tyx``, read or open.
    nuclei_first
        Whether the first frame shows the nuclei; in the paper's video it shows the activity.

    Raises
    ------
    DeepZError
        If the file has several channels, or fewer than four frames.
    """
    check_axes_named(image)
    if channel_count(image) > 1:
        raise DeepZError(
            f"the video has {channel_count(image)} channels, so its frames are not `interleaved`; "
            "name the channels with `nuclei` and `activity`"
        )
    frames = select_frames(image)
    if frames.axes != "tyx" or frames.data.shape[0] < 2 * _MIN_FRAMES:
        count = frames.data.shape[0] if frames.axes == "tyx" else 1
        raise DeepZError(
            f"the video has {count} frame{'' if count == 1 else 's'}; expected {2 * _MIN_FRAMES} "
            "or more, in which two channels take turns"
        )
    odd = frames.data.shape[0] % 2
    warnings = (
        (f"the video has {frames.data.shape[0]} frames; the last one, without a pair, is left out",)
        if odd
        else ()
    )
    even_frames, odd_frames = (_every_second(frames, first) for first in (0, 1))
    nuclei, activity = (even_frames, odd_frames) if nuclei_first else (odd_frames, even_frames)
    return Pairs(nuclei, activity, warnings)


def _every_second(image: Image[Any], first: int) -> Image[Any]:
    data, pairs = image.data, image.data.shape[0] // 2
    taken: Array | StoredPixels
    if isinstance(data, StoredPixels):
        stored = data
        taken = StoredPixels(
            (pairs, *data.shape[1:]), data.dtype, lambda index: stored[(2 * index[0] + first,)]
        )
    else:
        taken = data[first : 2 * pairs : 2]
    interval_s = image.frame_interval_s
    return replace(
        image,
        data=taken,
        frame_interval_s=None if interval_s is None else 2 * interval_s,
        channel_names=(),
        emission_um=(),
        colors=(),
        acquisition=replace(
            image.acquisition, frame_times_s=image.acquisition.frame_times_s[first::2][:pairs]
        ),
    )
