"""Read TIFF files: plain ones, those of microscopes, and OME-TIFF in one or several files."""

from __future__ import annotations

import logging
import math
import re
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, nullcontext
from pathlib import Path

import numpy as np
import tifffile

from deepz_zoo.errors import DeepZError
from deepz_zoo.images.image import Image
from deepz_zoo.images.refusals import damaged, in_colors, load_whole
from deepz_zoo.images.stored import Array, Index, StoredPixels, y_and_x_last
from deepz_zoo.images.tiff.calibration import read_calibration
from deepz_zoo.images.tiff.metamorph import stk_axes
from deepz_zoo.images.tiff.ome import refuse_missing_parts

_PALETTE = 3
_JPEG = {6, 7, 34892}  # old and new JPEG, and the lossy one of DNG
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


def count_in_tiff(path: Path) -> int:
    """Return the number of separate images in a TIFF file."""
    try:
        with _complaints([]), tifffile.TiffFile(path) as tif:
            return len(tif.series)
    except Exception as error:
        raise damaged(path, error) from error


@contextmanager
def open_tiff(path: Path, position: int | None) -> Iterator[Image[StoredPixels]]:
    """Open one image of a TIFF file, see `Format`."""
    with ExitStack() as files:
        with _refused_where_damaged(path):
            tif = files.enter_context(tifffile.TiffFile(path))
            if tif.is_ome and tif.ome_metadata:
                refuse_missing_parts(path, tif.ome_metadata)
            index = _only_position(path, tif) if position is None else position
            if index >= len(tif.series):
                raise DeepZError(
                    f"{path} has no position {index + 1}; it holds {len(tif.series)} images"
                )
            series = tif.series[index]
            if "S" in series.axes:
                raise in_colors(path, f"axes {series.axes}, shape {series.shape}")
            _check_meaning(path, series)
            named = series.axes.lower()
            if tif.stk_metadata:
                named = stk_axes(tif.stk_metadata, named)
            calibration = read_calibration(path, tif, index, named)
            pixels, axes = _image_axes_last(path, _stored(path, tif, series), named)
            warnings = _warnings(series)
        yield Image(pixels, re.sub("[^tzcyx]", "q", axes), **calibration, warnings=warnings)


def _warnings(series: tifffile.TiffPageSeries) -> tuple[str, ...]:
    if _int_or_none(series.keyframe.compression) not in _JPEG:
        return ()
    return (
        "the file is compressed as JPEG, which changes intensities and adds edges of 8×8 pixels; "
        "use the image as it was acquired",
    )


def _only_position(path: Path, tif: tifffile.TiffFile) -> int:
    if len(tif.series) > 1:
        shapes = ", ".join("×".join(map(str, series.shape)) for series in tif.series[:4])
        raise DeepZError(
            f"{path} holds {len(tif.series)} separate images ({shapes} …); choose one with "
            "`position`, or save it as a file of its own"
        )
    return 0


def _check_meaning(path: Path, series: tifffile.TiffPageSeries) -> None:
    """Refuse pixels that are not intensities, though they look like them."""
    page = series.keyframe
    photometric = _int_or_none(page.photometric)
    if series.dtype == bool:
        return  # another complaint follows
    if photometric == _PALETTE and (page.parent.is_imagej or _is_one_color(page)):
        return  # ImageJ and Bio-Formats keep intensities under their lookup tables
    if photometric in _OTHER_MEANINGS:
        raise DeepZError(f"{path} {_OTHER_MEANINGS[photometric]}")


def _is_one_color(page: tifffile.TiffPage | tifffile.TiffFrame) -> bool:
    """Tell whether a palette shows larger values brighter, from dark to one color."""
    colors = np.asarray(page.aspage().colormap, dtype=np.int64)  # rgb, value
    return bool(np.all(np.diff(colors) >= 0) and np.all(colors[:, 0] == 0) and colors[:, -1].any())


def _int_or_none(value: object) -> int | None:
    return int(value) if isinstance(value, int) else None


def _stored(path: Path, tif: tifffile.TiffFile, series: tifffile.TiffPageSeries) -> StoredPixels:
    """Return the pixels of one image, which may lie in another file of a set of positions."""
    shape = series.shape
    read_plane = _plane_reader(tif, series)

    def read(index: Index) -> Array:
        number = int(np.ravel_multi_index(index, shape[:-2])) if index else 0
        with _refused_where_damaged(path):
            return read_plane(number).reshape(shape[-2:])

    return StoredPixels(shape, series.dtype, read)


def _plane_reader(
    tif: tifffile.TiffFile, series: tifffile.TiffPageSeries
) -> Callable[[int], Array]:
    """Return what reads one plane of a series, by its number in the file."""
    planes, plane_px = math.prod(series.shape[:-2]), math.prod(series.shape[-2:])
    if series.keyframe.parent is tif and series.dataoffset is not None:
        # One behind the other, as in large files of ImageJ, which describe the first one only.
        start, dtype = series.dataoffset, np.dtype(tif.byteorder + series.dtype.char)

        def read_part(number: int) -> Array:
            offset = start + number * plane_px * dtype.itemsize
            return tif.filehandle.read_array(dtype, plane_px, offset)

        return read_part
    if len(series) == planes:
        return lambda number: _page(series, number)
    whole = np.asarray(series.asarray()).reshape(planes, -1)  # a page holds several planes
    return whole.__getitem__


def _page(series: tifffile.TiffPageSeries, number: int) -> Array:
    """Return the pixels of one page, which may lie in another file than the one that is open."""
    page = series[number]
    if page is None:
        raise ValueError(f"plane {number + 1} of {len(series)} is missing")
    file = page.parent.filehandle
    with file if file.closed else nullcontext():
        file.open()  # unless it is open
        return np.asarray(page.asarray())


def _image_axes_last(path: Path, pixels: StoredPixels, axes: str) -> tuple[StoredPixels, str]:
    """Move y and x to the end. Where they lie elsewhere, the whole image has to be read."""
    if axes.endswith("yx"):
        return pixels, axes
    data, axes = y_and_x_last(load_whole(path, pixels), axes)
    return StoredPixels.in_memory(data), axes


@contextmanager
def _refused_where_damaged(path: Path) -> Iterator[None]:
    """Refuse a file that tifffile cannot read, or reads as far as it can."""
    complaints: list[str] = []
    try:
        with _complaints(complaints):
            yield
    except (DeepZError, MemoryError):
        raise
    except Exception as error:
        raise damaged(path, error) from error
    if complaints:
        raise damaged(path, complaints[0])


@contextmanager
def _complaints(found: list[str]) -> Iterator[None]:
    """Collect what tifffile logs about a damaged file."""

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
