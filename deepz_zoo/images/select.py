"""Select one channel and one plane of an image."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from deepz_zoo.errors import DeepZError
from deepz_zoo.images.image import Image, Pixels


def select_frames(
    image: Image[Pixels], *, input_channel: str | None = None, plane: int | None = None
) -> Image[Pixels]:
    """Return the single image or time series (axes ``yx`` or ``tyx``) that will be refocused.

    Parameters
    ----------
    image
        Any image, read or open; each of its axes is named.
    input_channel
        As in `select_channel`.
    plane
        Number of a plane from 1: Deep-Z starts from a single plane, so this is needed for a
        z-stack.

    Raises
    ------
    DeepZError
        When an axis has no name, or a channel or plane does not exist or is not chosen.
    """
    check_axes_named(image)
    return _select_plane(select_channel(image, input_channel), plane)


def check_axes_named(image: Image[Any]) -> None:
    """Refuse an image with an axis that its file does not name.

    Raises
    ------
    DeepZError
        With what the axis may be.
    """
    if "q" in image.axes:
        count = image.data.shape[image.axes.index("q")]
        raise DeepZError(
            f"the file holds {count} images and does not say what tells them apart: name its axes "
            f"with `axes` ({_guesses(image.axes)})"
        )


def select_channel(image: Image[Pixels], input_channel: str | None = None) -> Image[Pixels]:
    """Return an image of one channel, without a channel axis.

    Parameters
    ----------
    image
        Any image, read or open.
    input_channel
        Name of a channel, or its number from 1. A name comes first: of channels named 488 and 561,
        ``"488"`` is the first. Case counts only where names differ in nothing else. Needed where
        there are several channels.

    Raises
    ------
    DeepZError
        When there is no such channel, or several to choose from and none is chosen.
    """
    return take_channel(image, channel_index(image, input_channel))


def take_channel(image: Image[Pixels], index: int) -> Image[Pixels]:
    """Return the channel of an index from 0, without a channel axis."""
    one = slice(index, index + 1)
    chosen = replace(
        image,
        channel_names=image.channel_names[one],
        emission_um=image.emission_um[one],
        colors=image.colors[one],
    )
    return _take(chosen, "c", index)


def _guesses(axes: str) -> str:
    """Return the possible names of an image with one unnamed axis, for the error line."""
    if axes != "qyx":
        return "letters of tzcyx, in the file's order"
    return "tyx for a time series, cyx for channels, zyx for a z-stack"


def channel_count(image: Image[Any]) -> int:
    """Return the number of channels."""
    count: int = image.data.shape[image.axes.index("c")] if "c" in image.axes else 1
    return count


def channel_index(image: Image[Any], channel: str | None) -> int:
    """Return the index from 0 of a channel; the parameters are those of `select_channel`."""
    count = channel_count(image)
    names = image.channel_names
    listed = ", ".join(names) if names else f"1 to {count}"
    if channel is None:
        if count > 1:
            raise DeepZError(
                f"the image has {count} channels ({listed}): choose one with `input_channel`"
            )
        return 0
    for spelled in (str, str.lower):  # names that differ in case only are told apart
        found = [i for i, name in enumerate(names) if spelled(name) == spelled(channel)]
        if len(found) == 1:
            return found[0]
    if channel.isdecimal() and 1 <= int(channel) <= count:
        return int(channel) - 1
    raise DeepZError(f"no channel {channel!r} in the image; there are {count} ({listed})")


def _select_plane(image: Image[Pixels], plane: int | None) -> Image[Pixels]:
    count = image.data.shape[image.axes.index("z")] if "z" in image.axes else 1
    if plane is None:
        if count > 1:
            raise DeepZError(
                f"the image is a z-stack of {count} planes, but Deep-Z starts from one: choose it "
                "with `plane` (from 1), or set `axes` to tyx if these are frames of a time series"
            )
        return image
    if not 1 <= plane <= count:
        raise DeepZError(f"no plane {plane} in the image; it has {count}, counted from 1")
    return _take(image, "z", plane - 1)


def _take(image: Image[Pixels], axis: str, index: int) -> Image[Pixels]:
    """Return the image at one position of an axis, without that axis."""
    if axis not in image.axes:
        return image
    data = image.data.take(index, axis=image.axes.index(axis))
    return image.with_data(data, image.axes.replace(axis, ""))
