"""Read one calibrated z-stack, one calibrated plane, or what of the two a file holds."""

from __future__ import annotations

import os
from dataclasses import replace

from deepz_zoo.errors import DeepZError
from deepz_zoo.images.image import Image
from deepz_zoo.images.reading import read_image
from deepz_zoo.images.select import select_channel


def read_stack(
    path: str | os.PathLike[str],
    *,
    pixel_size_um: float | None = None,
    z_step_um: float | None = None,
    reverse: bool = False,
    input_channel: str | None = None,
) -> Image:
    """Read a z-stack of one channel in the order of increasing stage z.

    Parameters
    ----------
    path
        An image file.
    pixel_size_um, z_step_um
        In place of the file's own calibration.
    reverse
        Whether the stack was acquired with decreasing stage z; a negative z step in the file says
        the same.
    input_channel
        As of `select_channel`.

    Raises
    ------
    DeepZError
        If the file is not such a stack, or its calibration is not known.
    """
    image = _one_channel(path, input_channel)
    return _as_stack(image, path, pixel_size_um, z_step_um, reverse)


def read_plane(
    path: str | os.PathLike[str],
    *,
    pixel_size_um: float | None = None,
    input_channel: str | None = None,
) -> Image:
    """Read a single plane of one channel; the parameters are those of `read_stack`.

    Raises
    ------
    DeepZError
        If the file is not such an image, or its pixel size is not known.
    """
    return _as_plane(_one_channel(path, input_channel), path, pixel_size_um)


def read_stack_or_plane(
    path: str | os.PathLike[str],
    *,
    pixel_size_um: float | None = None,
    z_step_um: float | None = None,
    reverse: bool = False,
    input_channel: str | None = None,
) -> Image:
    """Read a z-stack as `read_stack` does, or as `read_plane` a file that holds a single plane.

    Raises
    ------
    DeepZError
        If the file holds neither, or its calibration is not known.
    """
    image = _one_channel(path, input_channel)
    if image.axes == "yx":
        return _as_plane(image, path, pixel_size_um)
    if image.axes not in ("zyx", "qyx"):
        raise DeepZError(
            f"{path}: axes {image.axes}, shape {image.data.shape}; expected one plane (yx) or one "
            "z-stack (zyx) of one channel"
        )
    return _as_stack(image, path, pixel_size_um, z_step_um, reverse)


def _as_stack(
    image: Image,
    path: str | os.PathLike[str],
    pixel_size_um: float | None,
    z_step_um: float | None,
    reverse: bool,
) -> Image:
    axes = image.axes.replace("q", "z")
    if axes != "zyx":
        raise DeepZError(
            f"{path}: axes {image.axes}, shape {image.data.shape}; expected one z-stack (zyx) of "
            "one channel"
        )
    descending = reverse != ((image.z_step_um or 1) < 0)
    pixel_size_um = _pixel_size(path, pixel_size_um or image.pixel_size_um)
    z_step_um = z_step_um or image.z_step_um
    if z_step_um is None:
        raise DeepZError(f"{path} does not say its z step; give it in µm with `z_step_um`")
    return replace(
        image,
        data=image.data[::-1] if descending else image.data,
        axes=axes,
        pixel_size_um=pixel_size_um,
        z_step_um=abs(z_step_um),
    )


def _as_plane(image: Image, path: str | os.PathLike[str], pixel_size_um: float | None) -> Image:
    if image.axes != "yx":
        raise DeepZError(
            f"{path}: axes {image.axes}, shape {image.data.shape}; expected one plane (yx) of one "
            "channel"
        )
    return replace(image, pixel_size_um=_pixel_size(path, pixel_size_um or image.pixel_size_um))


def _one_channel(path: str | os.PathLike[str], input_channel: str | None) -> Image:
    image = read_image(path)
    return select_channel(image, input_channel) if "c" in image.axes else image


def _pixel_size(path: str | os.PathLike[str], known_um: float | None) -> float:
    if known_um is None:
        raise DeepZError(f"{path} does not say its pixel size; give it in µm with `pixel_size_um`")
    return known_um
