"""Write images with their calibration, as a whole or plane by plane."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from deepz_zoo.files import replacing, replacing_folder
from deepz_zoo.images.image import Image
from deepz_zoo.images.new_image import NewImage, PlaneWriter
from deepz_zoo.images.ome_zarr.library import has_zarr_name
from deepz_zoo.images.ome_zarr.writing import ZarrVersion, new_ome_zarr
from deepz_zoo.images.tiff.writing import Style, check_size, new_tiff


def write_image(
    path: str | os.PathLike[str],
    image: Image,
    *,
    style: Style = "ome",
    zarr_version: ZarrVersion = "0.5",
    description: str = "",
) -> None:
    """Write an image as calibrated OME-TIFF, ImageJ TIFF or OME-Zarr.

    Parameters
    ----------
    path
        The file; one that exists is replaced, once the new one is complete. A name that ends in
        ``.zarr`` is written as OME-Zarr, a folder.
    image
        Pixels and calibration. Types that the format does not have become float32.
    style
        ``"ome"`` for OME-TIFF, ``"imagej"`` for the TIFF of ImageJ and Fiji.
    zarr_version
        Version of OME-Zarr.
    description
        Free text, shown as the image's description (OME) or info (ImageJ).

    Raises
    ------
    DeepZError
        When the folder does not exist, or the image is too large for ImageJ TIFF.

    See Also
    --------
    create_image : the same for an image that is made plane by plane.
    """
    order = [image.axes.index(name) for name in "qtzcyx" if name in image.axes]
    axes = _with_names("".join(image.axes[i] for i in order))
    image = image.with_data(image.data.transpose(order), axes)
    new = NewImage(image.data.shape, axes, image.data.dtype, image.calibration, description)
    with create_image(path, new, style=style, zarr_version=zarr_version) as write:
        for number, plane in enumerate(image.planes()):
            write(plane, number)


def _with_names(axes: str) -> str:
    """Return axes with a name that all formats know in the place of an unnamed one."""
    return axes if "q" not in axes else axes.replace("q", min(set("tzc") - set(axes)), 1)


@contextmanager
def create_image(
    path: str | os.PathLike[str],
    new: NewImage,
    *,
    style: Style = "ome",
    zarr_version: ZarrVersion = "0.5",
) -> Iterator[PlaneWriter]:
    """Write an image plane by plane, so that it need not fit into memory.

    The file takes its name after the block; until then, and after an error or an interruption,
    nothing of that name is created or changed.

    Parameters
    ----------
    path
        The file, or the folder of OME-Zarr.
    new
        What will be written. OME-TIFF over 4 GB is BigTIFF.
    style, zarr_version
        As in `write_image`.

    Yields
    ------
    PlaneWriter
        Called for each plane, or for parts of a plane; all have to be written in the block.

    Raises
    ------
    DeepZError
        When the folder does not exist, or the image is too large for ImageJ TIFF.
    ValueError
        When the block did not write all planes.

    Examples
    --------
    >>> new = NewImage((2, 16, 16), "tyx")
    >>> with create_image("out.tif", new) as write:  # doctest: +SKIP
    ...     for number in range(2):
    ...         write(np.zeros((16, 16)), number)
    """
    path = Path(path)
    if has_zarr_name(path):
        with (
            replacing_folder(path) as temporary,
            new_ome_zarr(temporary, new, zarr_version) as write,
        ):
            yield write
        return
    check_size(path, new, style)
    with replacing(path) as temporary, new_tiff(temporary, new, style) as write:
        yield write
