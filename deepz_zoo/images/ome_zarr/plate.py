"""Plates of OME-Zarr: wells in rows and columns, with a number of fields each."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from deepz_zoo.errors import DeepZError
from deepz_zoo.images.ome_zarr.library import is_ome_zarr, load_libraries
from deepz_zoo.images.ome_zarr.reading import image_paths, read_attributes
from deepz_zoo.images.ome_zarr.writing import ZarrVersion
from deepz_zoo.images.refusals import damaged


def is_plate(path: Path) -> bool:
    """Tell whether a folder is a plate; one that cannot be read is none."""
    try:
        return is_ome_zarr(path) and "plate" in read_attributes(path)
    except (OSError, ValueError):
        return False


def create_plate(path: Path, like: Path, version: ZarrVersion) -> list[str]:
    """Create a plate with the wells and fields of another one, but without their pixels.

    Parameters
    ----------
    path
        A folder that does not exist. `create_image` takes the place of a field in it, too.
    like
        The other plate.
    version
        Of OME-Zarr.

    Returns
    -------
    list of str
        Where each field goes, such as ``A/1/0``.

    Raises
    ------
    DeepZError
        If the libraries for it are not installed, or what the other plate states is not valid.
    """
    ngff_zarr, zarr = load_libraries(path)
    fields = image_paths(like)
    wells = dict.fromkeys(field.rpartition("/")[0] for field in fields)
    if not wells or not all(_is_inside(field) for field in fields):
        raise DeepZError(f"{like} names no fields within its folder; copy or export it again")

    def create(place: str, model: str | None = None) -> None:
        attributes: dict[str, Any] = {}
        if model is not None:
            attributes = _stated(read_attributes(like / place)[model], model, version)
            try:
                ngff_zarr.validate(attributes, version=version, model=model)
            except Exception as error:
                raise damaged(like / place, str(error).splitlines()[0]) from error
        zarr_format: Any = 2 if version == "0.4" else 3
        zarr.create_group(path / place, zarr_format=zarr_format, attributes=attributes)

    create("", "plate")
    for row in dict.fromkeys(well.partition("/")[0] for well in wells):
        create(row)
    for well in wells:
        create(well, "well")
    return fields


def _stated(document: dict[str, Any], model: str, version: ZarrVersion) -> dict[str, Any]:
    """Return the attributes of a plate or a well, where a version has them."""
    if version == "0.4":
        return {model: document | {"version": version}}
    kept = {name: value for name, value in document.items() if name != "version"}
    return {"ome": {"version": version, model: kept}}


def _is_inside(place: str) -> bool:
    """Tell whether a place lies in its plate, whatever a damaged one states."""
    parts = place.split("/")
    return all(part not in ("", ".", "..") and Path(part).name == part for part in parts)
