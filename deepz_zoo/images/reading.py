"""Open images with their calibration, whatever format they are in.

A format is told by the first bytes of a file and plugs in as a `Format`: a function that opens an
image, which states its axes and calibration at once and reads a plane when it is asked for. All
that holds for images of any format (no colors, finite values, names of axes) is checked here.
"""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from deepz_zoo.errors import DeepZError
from deepz_zoo.files import check_readable
from deepz_zoo.images.image import Image
from deepz_zoo.images.ome_zarr.library import is_ome_zarr
from deepz_zoo.images.ome_zarr.reading import count_in_ome_zarr, open_ome_zarr
from deepz_zoo.images.refusals import check_type, check_values, damaged, in_colors, load_whole
from deepz_zoo.images.stored import Array, Index, StoredPixels, y_and_x_last
from deepz_zoo.images.tiff.reading import count_in_tiff, open_tiff
from deepz_zoo.images.vendor.czi import count_in_czi, open_czi
from deepz_zoo.images.vendor.lif import count_in_lif, open_lif
from deepz_zoo.images.vendor.nd2 import count_in_nd2, open_nd2


@dataclass(frozen=True)
class Format:
    """One way in which images are stored.

    Attributes
    ----------
    starts
        What files of this format begin with.
    suffixes
        How their names end, for programs that look for images in a folder.
    open
        Opens one of the images of a file, by its number from 0, or the only one for None. Yields
        the image with its calibration and any axes, those of length one too, of which y and x are
        the last; `StoredPixels.read` reads one plane. Refuses several images for None.
    count
        Returns how many separate images (positions) a file holds.
    """

    starts: tuple[bytes, ...]
    suffixes: tuple[str, ...]
    open: Callable[[Path, int | None], AbstractContextManager[Image[StoredPixels]]]
    count: Callable[[Path], int]


@contextmanager
def _open_png(path: Path, position: int | None) -> Iterator[Image[StoredPixels]]:
    from imageio.v3 import imread

    try:
        data = np.asarray(imread(path, plugin="pillow"))
    except Exception as error:
        raise damaged(path, error) from error
    if data.ndim != 2:
        raise in_colors(path, f"shape {data.shape}")
    yield Image(StoredPixels.in_memory(data), "yx")


_FORMATS = (
    Format((b"II*\0", b"MM\0*", b"II+\0", b"MM\0+"), (".tif", ".tiff"), open_tiff, count_in_tiff),
    Format((b"\x89PNG",), (".png",), _open_png, lambda path: 1),
    Format((b"\x70\0\0\0",), (".lif",), open_lif, count_in_lif),
    Format((b"ZISRAWFI",), (".czi",), open_czi, count_in_czi),
    Format((b"\xda\xce\xbe\x0a",), (".nd2",), open_nd2, count_in_nd2),
)
_OME_ZARR = Format((), (".zarr",), open_ome_zarr, count_in_ome_zarr)  # a folder
_FOREIGN_MAGIC = {
    b"\xff\xd8\xff": "a JPEG file, whose compression destroys intensities",
    b"\x89HDF": "an HDF5 file",
    b"\0\0\0\x0cjP  ": "a JPEG 2000 file, such as a Nikon ND2 of before 2010",
    b"OLYMPUSR": "an Olympus OIR file",
    b"\xd0\xcf\x11\xe0": "an OLE file, such as Olympus OIB",
    b"PK\x03\x04": "a zip file",
    b"GIF8": "a GIF file",
    b"BM": "a BMP file",
    b"%PDF": "a PDF file",
}


IMAGE_SUFFIXES = tuple(suffix for known in (*_FORMATS, _OME_ZARR) for suffix in known.suffixes)
"""How the names of images end that are read, in lower case."""


def count_positions(path: str | os.PathLike[str]) -> int:
    """Return how many separate images a file holds: the positions of a multi-position OME-TIFF.

    Raises
    ------
    DeepZError
        When the file is missing, empty or not an image.
    """
    path = Path(path)
    positions = _format(path).count(path)
    if positions == 0:
        raise DeepZError(f"{path} holds no image; copy or export it again")
    return positions


@contextmanager
def open_image(
    path: str | os.PathLike[str], *, axes: str | None = None, position: int | None = None
) -> Iterator[Image[StoredPixels]]:
    """Open an image, whose planes are read when they are asked for.

    Memory holds one plane, whatever the length of a series. Axes of length one are dropped, except
    y and x.

    Parameters
    ----------
    path, axes, position
        As in `read_image`.

    Yields
    ------
    Image of StoredPixels
        ``image.plane(n)`` reads a plane and checks its values. `select_frames` and
        `select_channel` choose planes before they are read.

    Raises
    ------
    DeepZError
        As in `read_image`; what is wrong with a plane is found when that plane is read.

    Examples
    --------
    >>> with open_image("worm.tif", axes="tyx") as image:  # doctest: +SKIP
    ...     means = [plane.mean() for plane in image.planes()]
    """
    path = Path(path)
    with _format(path).open(path, position) as found:
        check_type(path, found.data.shape, found.data.dtype)
        image = _without_single(found.with_data(_checked(path, found.data), found.axes))
        yield image if axes is None else _rename_axes(path, image, axes)


def read_image(
    path: str | os.PathLike[str], *, axes: str | None = None, position: int | None = None
) -> Image:
    """Read an image with its calibration: TIFF, OME-Zarr, PNG, Leica LIF, Zeiss CZI, Nikon ND2.

    Axes of length one are dropped, except y and x.

    Parameters
    ----------
    path
        The file. What it holds decides how it is read, not how it is called.
    axes
        Names for the axes of length above one, such as ``"tyx"``: for a file that does not name
        them or names them wrongly (time saved as z, for instance).
    position
        Which of the separate images of a multi-position file, from 0; None for a file that holds
        only one.

    Returns
    -------
    Image
        Integer or floating-point pixels, all of them finite.

    Raises
    ------
    DeepZError
        When the file is missing, empty, damaged or not an image; when its pixels are colors,
        complex, black and white, not square, NaN or infinite; when it holds several images; or
        when `axes` does not fit.

    See Also
    --------
    open_image : the same for an image that need not fit into memory.
    """
    with open_image(path, axes=axes, position=position) as image:
        return image.with_data(load_whole(Path(path), image.data), image.axes)


def _format(path: Path) -> Format:
    """Tell formats by their first bytes; refuse those that are not read."""
    if is_ome_zarr(path):
        return _OME_ZARR
    check_readable(path, "an image file (TIFF or PNG)")
    with path.open("rb") as file:
        start = file.read(8)
    if not start:
        raise DeepZError(f"{path} is empty (0 bytes); expected a TIFF or PNG image")
    if path.suffix.lower() == ".vsi":  # a TIFF file, but of a preview
        raise DeepZError(
            f"{path} is an Olympus VSI file, whose pixels lie in a folder beside it; save the "
            "image as OME-TIFF (cellSens and Fiji can) or OME-Zarr (bioformats2raw can) first"
        )
    for known in _FORMATS:
        if start.startswith(known.starts):
            return known
    found = next(
        (name for magic, name in _FOREIGN_MAGIC.items() if start.startswith(magic)),
        "neither a TIFF nor a PNG file, whatever its name says",
    )
    raise DeepZError(f"{path} is {found}; save the image as TIFF or OME-TIFF (Fiji can) first")


def _checked(path: Path, pixels: StoredPixels) -> StoredPixels:
    """Return pixels whose planes are checked when they are read."""
    leading = pixels.shape[:-2]

    def read(index: Index) -> Array:
        plane = pixels.read(index)
        several = math.prod(leading) > 1
        number = f", plane {np.ravel_multi_index(index, leading) + 1}" if several else ""
        check_values(f"{path}{number}", plane)
        return plane

    return replace(pixels, read=read)


def _without_single(image: Image[StoredPixels]) -> Image[StoredPixels]:
    """Drop axes of length one, except y and x."""
    pixels, axes = image.data, image.axes
    for axis in reversed(range(pixels.ndim - 2)):
        if pixels.shape[axis] == 1:
            pixels, axes = pixels.take(0, axis), axes[:axis] + axes[axis + 1 :]
    return image.with_data(pixels, axes)


def _rename_axes(path: Path, image: Image[StoredPixels], axes: str) -> Image[StoredPixels]:
    names, pixels = axes.lower(), image.data
    if len(set(names)) != len(names) or not {"y", "x"} <= set(names) <= set("tzcyx"):
        raise DeepZError(f"axes {axes!r}: expected different letters of tzcyx with y and x")
    if len(names) != pixels.ndim:
        raise DeepZError(
            f"axes {axes!r} name {len(names)} axes; {path} has {pixels.ndim}, "
            f"of lengths {'×'.join(map(str, pixels.shape))} ({image.axes})"
        )
    same_channels = names.find("c") == image.axes.find("c")
    if not names.endswith("yx"):  # then a plane of the file is none of the image
        data, names = y_and_x_last(load_whole(path, pixels), names)
        pixels = StoredPixels.in_memory(data)
    renamed = image.with_data(pixels, names)
    return renamed if same_channels else _without_channels(renamed)


def _without_channels(image: Image[StoredPixels]) -> Image[StoredPixels]:
    """Drop what the file says of channels, for an axis that turned out to be another."""
    return replace(image, channel_names=(), emission_um=(), colors=())
