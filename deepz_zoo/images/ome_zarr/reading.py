"""Read OME-Zarr: an image, the fields of a plate, or one of several images of a container."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from deepz_zoo.errors import DeepZError
from deepz_zoo.images.image import Acquisition, Image, even_step
from deepz_zoo.images.ome_zarr.library import load_libraries
from deepz_zoo.images.refusals import damaged
from deepz_zoo.images.stored import Array, Index, StoredPixels
from deepz_zoo.images.units import in_micrometers, in_seconds, positive

_SQUARE_TOLERANCE = 0.01


def image_paths(path: Path) -> list[str]:
    """Return where the images lie in a folder: of a plate, ``A/1/0`` for field 0 of well A1.

    Raises
    ------
    DeepZError
        If the metadata are damaged or name no image.
    """
    try:
        attributes = read_attributes(path)
        if "plate" in attributes:
            wells = [well["path"] for well in attributes["plate"]["wells"]]
            return [
                f"{well}/{field['path']}"
                for well in wells
                for field in read_attributes(path / well)["well"]["images"]
            ]
        if "well" in attributes:
            return [field["path"] for field in attributes["well"]["images"]]
        if "multiscales" in attributes:
            return [""]
        if "bioformats2raw.layout" in attributes:
            series = read_attributes(path / "OME").get("series")
            return list(series or _numbered(path))
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise damaged(path, f"{type(error).__name__}: {error}") from error
    raise DeepZError(f"{path} holds Zarr arrays that are no OME-Zarr image or plate")


def count_in_ome_zarr(path: Path) -> int:
    """Return the number of separate images in a folder."""
    return len(image_paths(path))


@contextmanager
def open_ome_zarr(path: Path, position: int | None) -> Iterator[Image[StoredPixels]]:
    """Open one image, see `Format`."""
    ngff_zarr, zarr = load_libraries(path)
    places = image_paths(path)
    if position is None and len(places) > 1:
        raise DeepZError(
            f"{path} holds {len(places)} separate images ({', '.join(places[:4])} …); "
            f"give one of them, as {path / places[0]}, or for all fields of a plate an output "
            "that ends in .ome.zarr"
        )
    place = path / places[position or 0]
    try:
        scales = ngff_zarr.from_ome_zarr(str(place), validate=True)
        pixels = zarr.open_array(place / scales.metadata.datasets[0].path, mode="r")
        attributes = read_attributes(place)
    except Exception as error:
        raise damaged(place, error) from error
    axes = "".join(scales.images[0].dims).lower()

    def read(index: Index) -> Array:
        try:
            return np.asarray(pixels[index])
        except Exception as error:
            raise damaged(place, error) from error

    stored = StoredPixels(pixels.shape, np.dtype(pixels.dtype), read)
    calibration = _calibration(place, scales.images[0], attributes)
    yield Image(stored, "".join(a if a in "tzcyx" else "q" for a in axes), **calibration)


def read_attributes(path: Path) -> dict[str, Any]:
    """Return the attributes of a group, those of OME 0.5 on the level of 0.4."""
    found: dict[str, Any]
    if (path / "zarr.json").is_file():
        found = json.loads((path / "zarr.json").read_text(encoding="utf-8")).get("attributes", {})
    else:
        found = json.loads((path / ".zattrs").read_text(encoding="utf-8"))
    attributes: dict[str, Any] = found | found.get("ome", {})
    return attributes


def _numbered(path: Path) -> list[str]:
    names = (item.name for item in path.iterdir() if item.is_dir() and item.name.isdecimal())
    return sorted(names, key=int)


def _calibration(path: Path, image: Any, attributes: Mapping[str, Any]) -> dict[str, Any]:
    """Return what the metadata state, and what `writing` keeps beside them."""
    units, own = image.axes_units or {}, attributes.get("deepz-zoo", {})

    def length(axis: str, of: Mapping[str, float]) -> float | None:
        return in_micrometers(of[axis], units.get(axis) or "") if axis in of else None

    z_um = own.get("z_um") or [length("z", image.translation) or 0.0]
    channels = attributes.get("omero", {}).get("channels", [])
    names = tuple(str(channel.get("label") or "") for channel in channels)
    colors = tuple(f"#{c['color'].lower()}" if c.get("color") else None for c in channels)
    interval = in_seconds(image.scale.get("t", 0.0), units.get("t") or "")
    acquisition = own.get("acquisition", {})
    return {
        "pixel_size_um": _square(path, length("x", image.scale), length("y", image.scale)),
        "z_step_um": even_step(z_um) or length("z", image.scale),
        "z_origin_um": float(z_um[0]),
        "channel_names": names if all(names) else (),
        "colors": colors if any(colors) else (),
        "frame_interval_s": positive(interval),
        "emission_um": tuple(own.get("emission_um", ())),
        "numerical_aperture": own.get("numerical_aperture"),
        "immersion": own.get("immersion"),
        "acquisition": Acquisition(
            acquisition.get("started"),
            tuple(acquisition.get("frame_times_s", ())),
            tuple(stage) if (stage := acquisition.get("stage_um")) else None,
            acquisition.get("microscope"),
        ),
    }


def _square(path: Path, x_um: float | None, y_um: float | None) -> float | None:
    if not x_um or not y_um:
        return None
    if abs(x_um - y_um) > _SQUARE_TOLERANCE * x_um:
        raise DeepZError(
            f"{path}: pixels are {x_um:g} × {y_um:g} µm (x × y); expected square ones: "
            "rescale the image, or correct its calibration"
        )
    return x_um
