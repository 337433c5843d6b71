"""Choose what to refocus: one channel, one plane, every frame."""

from __future__ import annotations

from dataclasses import replace

from deepz_zoo.errors import DeepZError
from deepz_zoo.images import Image


def select_frames(image: Image, *, channel: str | None = None, plane: int | None = None) -> Image:
    """Return the image or time series (axes ``yx`` or ``tyx``) that will be refocused.

    Parameters
    ----------
    image
        Any image; each of its axes is named.
    channel
        Name of a channel, or its number from 1. Needed where there are several.
    plane
        Number of a plane from 1: Deep-Z starts from a single plane, so this is needed for a
        z-stack.

    Raises
    ------
    DeepZError
        When an axis has no name, or a channel or plane is missing, unknown or not there to choose.
    """
    if "q" in image.axes:
        count = image.data.shape[image.axes.index("q")]
        raise DeepZError(
            f"the file holds {count} images and does not say what tells them apart: name the axes "
            f"with --axes ({_guesses(image.axes)})"
        )
    return _take(select_channel(image, channel), "z", _plane_index(image, plane))


def select_channel(image: Image, input_channel: str | None = None) -> Image:
    """Return an image of one channel, given by name or by number from 1, without a channel axis."""
    return _take(image, "c", _channel_index(image, input_channel))


def _guesses(axes: str) -> str:
    """Return the possible names of an image with one unnamed axis, for the error line."""
    if axes != "qyx":
        return "letters of tzcyx, in the file's order"
    return "tyx for a time series, cyx for channels, zyx for a z-stack"


def _channel_index(image: Image, channel: str | None) -> int:
    count = image.data.shape[image.axes.index("c")] if "c" in image.axes else 1
    names = image.channel_names
    listed = ", ".join(names) if names else f"1 to {count}"
    if channel is None:
        if count > 1:
            raise DeepZError(f"the image has {count} channels ({listed}): use --input-channel")
        return 0
    for spelled in (str, str.lower):  # names that differ in case only are told apart
        found = [i for i, name in enumerate(names) if spelled(name) == spelled(channel)]
        if len(found) == 1:
            return found[0]
    if channel.isdecimal() and 1 <= int(channel) <= count:
        return int(channel) - 1
    raise DeepZError(f"no channel {channel!r} in the image; there are {count} ({listed})")


def _plane_index(image: Image, plane: int | None) -> int:
    count = image.data.shape[image.axes.index("z")] if "z" in image.axes else 1
    if plane is None:
        if count > 1:
            raise DeepZError(
                f"the image is a z-stack of {count} planes, Deep-Z starts from one: choose it with "
                "--plane (from 1), or say --axes tyx if these are frames of a time series"
            )
        return 0
    if not 1 <= plane <= count:
        raise DeepZError(f"no plane {plane} in the image; it has {count}, counted from 1")
    return plane - 1


def _take(image: Image, axis: str, index: int) -> Image:
    """Return the image at one position of an axis, without that axis."""
    names, emission_um = image.channel_names, image.emission_um
    if axis == "c":
        names, emission_um = names[index : index + 1], emission_um[index : index + 1]
    if axis not in image.axes:
        return replace(image, channel_names=names, emission_um=emission_um)
    position = image.axes.index(axis)
    return replace(
        image,
        data=image.data.take(index, axis=position),
        axes=image.axes.replace(axis, ""),
        channel_names=names,
        emission_um=emission_um,
    )
