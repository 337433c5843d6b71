"""Read TIFF (plain, ImageJ, OME) and PNG files together with their calibration."""

from __future__ import annotations

import logging
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Literal

import numpy as np
import tifffile

from deepz_zoo.errors import DeepZError
from deepz_zoo.files import check_readable
from deepz_zoo.images.calibration import read_calibration
from deepz_zoo.images.image import Array, Image
from deepz_zoo.memory import refuse_too_large

_TIFF_MAGIC = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")
_PNG_MAGIC = b"\x89PNG"
_FOREIGN_MAGIC = {
    b"\xff\xd8\xff": "a JPEG file, whose compression destroys intensities",
    b"\x89HDF": "an HDF5 file",
    b"\xda\xce\xbe\x0a": "a Nikon ND2 file",
    b"ZISRAWFI": "a Zeiss CZI file",
    b"PK\x03\x04": "a zip file",
    b"GIF8": "a GIF file",
    b"BM": "a BMP file",
    b"%PDF": "a PDF file",
}
_MAX_VALUE = 1e15  # squares of it, summed over an image, are finite in 32 bits
_PALETTE = 3
# Pixels of one sample that are not intensities which grow with the value. Where white is 0,
# programs disagree on whether the values or only their display is inverted: only the user knows.
_OTHER_MEANINGS = {
    0: "shows white where the value is 0; in Fiji: Image > Lookup Tables > Invert LUT, and save it",
    _PALETTE: "has a palette of colors; in Fiji: Image > Lookup Tables > Grays, and save it",
    4: "is a mask; give the image itself",
    5: "has inks for colors (CMYK); convert it to grey levels",
    6: "has colors (YCbCr); convert it to grey levels",
    8: "has colors (CIE L*a*b*); convert it to grey levels",
    32803: "has the raw mosaic of a color camera; give one color",
}
# What tifffile logs where it carries on with fewer planes, zeros or lost metadata.
_DAMAGE = re.compile(r"invalid (page|value) offset|corrupt|missing|failed to read|incomplete")


def count_positions(path: str | os.PathLike[str]) -> int:
    """Return how many separate images a file holds: the positions of a multi-position OME-TIFF.

    Raises
    ------
    DeepZError
        When the file is missing, empty or not an image.
    """
    path = Path(path)
    if _format(path) == "png":
        return 1
    try:
        with _tifffile_complaints([]), tifffile.TiffFile(path) as tif:
            positions = len(tif.series)
    except Exception as error:
        raise _damaged(path, error) from error
    if positions == 0:
        raise DeepZError(f"{path} holds no image; copy or export it again")
    return positions


def read_image(
    path: str | os.PathLike[str], *, axes: str | None = None, position: int | None = None
) -> Image:
    """Read a TIFF, OME-TIFF, ImageJ TIFF or PNG file with its calibration.

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
    """
    path = Path(path)
    image = _read_png(path) if _format(path) == "png" else _read_tiff(path, position)
    _check_pixels(path, image.data)
    return image if axes is None else _rename_axes(path, image, axes)


def _format(path: Path) -> Literal["tiff", "png"]:
    """Tell the two formats by their first bytes; refuse everything else."""
    check_readable(path, "an image file (TIFF or PNG)")
    with path.open("rb") as file:
        start = file.read(8)
    if not start:
        raise DeepZError(f"{path} is empty (0 bytes); expected a TIFF or PNG image")
    if start.startswith(_TIFF_MAGIC):
        return "tiff"
    if start.startswith(_PNG_MAGIC):
        return "png"
    found = next(
        (name for magic, name in _FOREIGN_MAGIC.items() if start.startswith(magic)),
        "neither a TIFF nor a PNG file, whatever its name says",
    )
    raise DeepZError(f"{path} is {found}; save the image as TIFF or OME-TIFF (Fiji can) first")


def _read_png(path: Path) -> Image:
    from imageio.v3 import imread

    try:
        data = np.asarray(imread(path, plugin="pillow"))
    except Exception as error:
        raise _damaged(path, error) from error
    if data.ndim != 2:
        raise DeepZError(_color_message(path, f"shape {data.shape}"))
    return Image(data, "yx")


def _read_tiff(path: Path, position: int | None) -> Image:
    complaints: list[str] = []
    try:
        with _tifffile_complaints(complaints), tifffile.TiffFile(path) as tif:
            index = _only_position(path, tif) if position is None else position
            series = tif.series[index]
            names = series.axes.lower()
            if "s" in names:
                raise DeepZError(_color_message(path, f"axes {series.axes}, shape {series.shape}"))
            _check_meaning(path, series)
            refuse_too_large(series.nbytes, f"{path} ({'×'.join(map(str, series.shape))} px)")
            calibration = read_calibration(path, tif, index)
            data = _pixels(tif, series)
    except (DeepZError, MemoryError):
        raise
    except Exception as error:
        raise _damaged(path, error) from error
    if complaints:
        raise _damaged(path, complaints[0])
    data, names = _canonical(data, names)
    return Image(data, names, **calibration)


def _check_meaning(path: Path, series: tifffile.TiffPageSeries) -> None:
    """Refuse pixels that are not intensities, though they look like them."""
    page = series.keyframe
    photometric = _int_or_none(page.photometric)
    if series.dtype == bool or (photometric == _PALETTE and page.parent.is_imagej):
        return  # another complaint follows; ImageJ keeps intensities under its lookup tables
    if photometric in _OTHER_MEANINGS:
        raise DeepZError(f"{path} {_OTHER_MEANINGS[photometric]}")


def _int_or_none(value: object) -> int | None:
    return int(value) if isinstance(value, int) else None


def _pixels(tif: tifffile.TiffFile, series: tifffile.TiffPageSeries) -> Array:
    """Return the pixels of one image, which may lie in another file of a set of positions."""
    if series.keyframe.parent is tif:
        return np.asarray(series.asarray())
    # By pages: otherwise tifffile looks for contiguous pixels in the file that was opened.
    return np.asarray(series.asarray(key=slice(None))).reshape(series.shape)


def _only_position(path: Path, tif: tifffile.TiffFile) -> int:
    if len(tif.series) > 1:
        shapes = ", ".join("×".join(map(str, series.shape)) for series in tif.series[:4])
        raise DeepZError(
            f"{path} holds {len(tif.series)} separate images ({shapes} …); "
            "save the wanted one as a file of its own"
        )
    return 0


@contextmanager
def _tifffile_complaints(found: list[str]) -> Iterator[None]:
    """Collect what tifffile logs about a damaged file, which it reads as far as it can."""

    class Collector(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            if _DAMAGE.search(message := record.getMessage()):
                found.append(message)

    logger, collector = logging.getLogger("tifffile"), Collector(logging.WARNING)
    propagate = logger.propagate
    logger.addHandler(collector)
    logger.propagate = False
    try:
        yield
    finally:
        logger.removeHandler(collector)
        logger.propagate = propagate


def _damaged(path: Path, reason: Exception | str) -> DeepZError:
    return DeepZError(
        f"{path} cannot be read whole ({reason}); the file is truncated, damaged or compressed in "
        "an unknown way: copy or export it again"
    )


def _color_message(path: Path, found: str) -> str:
    return (
        f"{path} is a color (RGB or alpha) image ({found}); expected one intensity per pixel: "
        "split the channels (in Fiji: Image > Color > Split Channels) and give one of them"
    )


def _canonical(data: Array, names: str) -> tuple[Array, str]:
    """Drop axes of length one, move y and x to the end and call unnamed axes q."""
    names = "".join(name if name in "tzcyx" else "q" for name in names)
    drop = tuple(i for i, name in enumerate(names) if name not in "yx" and data.shape[i] == 1)
    data = np.squeeze(data, axis=drop)
    names = "".join(name for i, name in enumerate(names) if i not in drop)
    return _image_axes_last(data, names)


def _image_axes_last(data: Array, names: str) -> tuple[Array, str]:
    order = [i for i, name in enumerate(names) if name not in "yx"]
    order += [names.index("y"), names.index("x")]
    return data.transpose(order), "".join(names[i] for i in order)


def _rename_axes(path: Path, image: Image, axes: str) -> Image:
    names = axes.lower()
    if len(set(names)) != len(names) or not {"y", "x"} <= set(names) <= set("tzcyx"):
        raise DeepZError(f"axes {axes!r}: expected different letters of tzcyx with y and x")
    if len(names) != image.data.ndim:
        raise DeepZError(
            f"axes {axes!r} name {len(names)} axes; {path} has {image.data.ndim}, "
            f"of lengths {'×'.join(map(str, image.data.shape))} ({image.axes})"
        )
    data, names = _image_axes_last(image.data, names)
    renamed = replace(image, data=data, axes=names)
    if axes.lower().find("c") != image.axes.find("c"):  # they are other channels now
        return replace(renamed, channel_names=(), emission_um=())
    return renamed


def _check_pixels(path: Path, data: Array) -> None:
    if data.dtype.kind == "c":
        raise DeepZError(f"{path} holds complex numbers ({data.dtype}); expected real intensities")
    if data.dtype.kind == "b":
        raise DeepZError(f"{path} is a black-and-white (1 bit) image; expected intensities")
    if data.dtype.kind not in "iuf":
        raise DeepZError(f"{path} holds pixels of type {data.dtype}; expected integers or floats")
    if data.size == 0:
        raise DeepZError(f"{path} holds no pixels (shape {data.shape})")
    if data.dtype.kind == "f" and (bad := int(np.count_nonzero(~np.isfinite(data)))):
        raise DeepZError(
            f"{path}: {bad} of {data.size} pixels are NaN or infinite; replace them by numbers "
            "first (in Fiji: Process > Math > NaN Background or Macro)"
        )
    if data.dtype.kind == "f" and (largest := float(np.abs(data).max())) > _MAX_VALUE:
        raise DeepZError(
            f"{path} holds values up to {largest:.3g}; expected intensities of at most "
            f"{_MAX_VALUE:g}: divide the image by a constant"
        )
