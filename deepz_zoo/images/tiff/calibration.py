"""The calibration that the tags and descriptions of TIFF files state, in µm and seconds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import tifffile

from deepz_zoo.errors import DeepZError
from deepz_zoo.images.tiff.imagej import imagej_calibration, imagej_units
from deepz_zoo.images.tiff.metamorph import (
    metaseries_calibration,
    metaseries_pixel_sides_um,
    stk_calibration,
    stk_pixel_sides_um,
)
from deepz_zoo.images.tiff.ome import ome_calibration, ome_pixel_sides_um
from deepz_zoo.images.units import in_micrometers

_RESOLUTION_UNITS = {2: "inch", 3: "cm"}
_SQUARE_TOLERANCE = 0.01

Page = tifffile.TiffPage | tifffile.TiffFrame


def read_calibration(
    path: Path, tif: tifffile.TiffFile, position: int, axes: str
) -> dict[str, Any]:
    """Return the calibration of one image of a TIFF file as keywords of `Image`.

    Parameters
    ----------
    path, tif
        The file.
    position
        Number of the image, from 0.
    axes
        Of the image.
    """
    first = tif.pages.first
    if tif.is_ome and tif.ome_metadata:
        sides = ome_pixel_sides_um(tif.ome_metadata, position)
        return _with(path, sides, ome_calibration(tif.ome_metadata, position))
    if tif.stk_metadata:
        metadata = tif.stk_metadata
        return _with(path, stk_pixel_sides_um(metadata), stk_calibration(metadata, axes))
    if tif.is_metaseries:
        pages = _metaseries_pages(tif)
        return _with(path, metaseries_pixel_sides_um(pages[0]), metaseries_calibration(pages))
    if tif.is_imagej:
        metadata = tif.imagej_metadata or {}
        sides = _sides_from_tags(first, imagej_units(metadata))
        return _with(path, sides, imagej_calibration(metadata))
    unit = _RESOLUTION_UNITS.get(_tag(first, "ResolutionUnit", 1), "")
    return _with(path, _sides_from_tags(first, (unit, unit)), {})


def _with(
    path: Path, sides_um: Sequence[float | None], calibration: dict[str, Any]
) -> dict[str, Any]:
    return calibration | {"pixel_size_um": _square(path, *sides_um)}


def _metaseries_pages(tif: tifffile.TiffFile) -> list[Mapping[str, Any]]:
    descriptions = (page.aspage().description for page in tif.pages)
    return [
        tifffile.tifffile.metaseries_description_metadata(text)
        for text in descriptions
        if text.startswith("<MetaData>")
    ]


def _sides_from_tags(page: Page, units: tuple[str, str]) -> list[float | None]:
    """Return width and height of a pixel from the tags for pixels per unit."""
    sides = []
    for name, unit in zip(("XResolution", "YResolution"), units, strict=True):
        count, per = _tag(page, name, (0, 1))
        sides.append(in_micrometers(per / count, unit) if count and per else None)
    return sides


def _tag(page: Page, name: str, default: Any) -> Any:
    tag = page.aspage().tags.get(name)
    return default if tag is None else tag.value


def _square(path: Path, x_um: float | None, y_um: float | None) -> float | None:
    """Return the side of a square pixel; files that give one side mean both."""
    x_um, y_um = x_um or y_um, y_um or x_um
    if not x_um or not y_um or x_um < 0 or y_um < 0:
        return None
    if abs(x_um - y_um) > _SQUARE_TOLERANCE * x_um:
        raise DeepZError(
            f"{path}: pixels are {x_um:g} × {y_um:g} µm (x × y); expected square ones: "
            "rescale the image, or correct its calibration"
        )
    return x_um
