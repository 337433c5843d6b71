"""Read the z-stack that a preparation takes from each image of a file."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from deepz_zoo.errors import DeepZError
from deepz_zoo.images import Image, read_image
from deepz_zoo.images.sampling import find_sampling
from deepz_zoo.images.select import select_channel
from deepz_zoo.records.dataset import MIN_PLANES, StackReading


@dataclass(frozen=True, eq=False)
class Stack:
    """A z-stack at the pixel size of its dataset.

    Attributes
    ----------
    data
        Planes in increasing stage z, shape (nz, ny, nx); uint8, uint16 or float32.
    """

    data: NDArray[Any]
    pixel_size_um: float
    z_step_um: float


def read_stack(
    path: Path, position: int | None, reading: StackReading, model_pixel_size_um: float
) -> Stack:
    """Read one z-stack.

    A stack acquired downward (a negative step in its metadata) is reversed. A single axis without a
    name is taken as z. A time series of stacks is refused: its frames show one specimen, and would
    bring the same field of view into training and validation.

    Parameters
    ----------
    path, position
        The file, and the index of an image in it; None if it holds only one.
    reading
        What the user says of the file.
    model_pixel_size_um
        Pixel size that the dataset should have.

    Raises
    ------
    DeepZError
        When the image is not a z-stack of five planes or more, its step or pixel size is unknown,
        or the pixel size does not match.
    """
    image = read_image(path, axes=reading.axes, position=position)
    try:
        return _to_stack(image, reading, model_pixel_size_um)
    except DeepZError as error:
        where = path if position is None else f"{path}, image {position + 1}"
        raise DeepZError(f"{where}: {error}") from error


def _to_stack(image: Image, reading: StackReading, model_pixel_size_um: float) -> Stack:
    data = _z_stack(_one_channel(image, reading.input_channel))
    step_um = reading.z_step_um or image.z_step_um
    pixel_um = reading.pixel_size_um or image.pixel_size_um
    if not step_um:
        raise DeepZError("the file does not state its z step; set `z_step_um`")
    if pixel_um is None:
        raise DeepZError("the file does not state its pixel size; set `pixel_size_um`")
    if image.z_step_um is not None and image.z_step_um < 0:  # whatever the user gives as its size
        data = data[::-1]
    if data.dtype.str[1:] not in ("u1", "u2"):
        data = data.astype(np.float32)
    rows, columns = data.shape[1:]
    sampling = find_sampling((rows, columns), pixel_um, model_pixel_size_um, reading.mismatch)
    if sampling.resamples:
        highest = np.iinfo(data.dtype).max if data.dtype.kind == "u" else np.inf
        data = np.stack(
            [np.clip(sampling.to_model(p), 0, highest).astype(data.dtype) for p in data]
        )
        pixel_um = model_pixel_size_um
    return Stack(np.ascontiguousarray(data), pixel_um, abs(step_um))


def _one_channel(image: Image, chosen: str | int | None) -> Image:
    """Return the image without its channel axis; an integer is the number of a channel from 1."""
    if isinstance(chosen, int):
        image, chosen = replace(image, channel_names=()), str(chosen)
    return select_channel(image, chosen)


def _z_stack(image: Image) -> NDArray[Any]:
    size = "×".join(map(str, image.data.shape))
    if "t" in image.axes:
        raise DeepZError(
            f"a time series of {image.data.shape[image.axes.index('t')]} frames ({size}); save the "
            "z-stack of one frame as a file of its own, or set `axes` to zyx if these are planes"
        )
    if image.axes == "yx":
        raise DeepZError(f"a single image ({size}); expected a z-stack")
    if image.axes not in ("zyx", "qyx"):
        raise DeepZError(f"axes {image.axes} ({size}); expected a z-stack: name them with `axes`")
    if len(image.data) < MIN_PLANES:
        raise DeepZError(
            f"only {len(image.data)} planes ({size}); expected a z-stack of {MIN_PLANES} or more"
        )
    return image.data
