"""Read Zeiss CZI: one of the scenes of a file, by pylibCZIrw, the library of Zeiss."""

from __future__ import annotations

import xml.etree.ElementTree as ElementTree
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from deepz_zoo.errors import DeepZError
from deepz_zoo.images.image import Acquisition, Image
from deepz_zoo.images.refusals import damaged, in_colors
from deepz_zoo.images.stored import Array, Index, StoredPixels
from deepz_zoo.images.units import in_micrometers, in_seconds, positive
from deepz_zoo.images.vendor.opening import (
    choose_position,
    load_library,
    refused_where_damaged,
    square_pixel_um,
)

_TYPES = {"Gray8": np.uint8, "Gray16": np.uint16, "Gray32Float": np.float32}
_AXES = "TRIHVBZC"  # of planes: outermost first; those after T and before Z have no name here
_EVERYWHERE = (1.0, 1.0, 1.0)


def count_in_czi(path: Path) -> int:
    """Return the number of scenes in a Zeiss file."""
    library = load_library(path, "Zeiss CZI", "pylibCZIrw.czi")
    with refused_where_damaged(path), library.open_czi(str(path)) as czi:
        return len(_scenes(czi))


@contextmanager
def open_czi(path: Path, position: int | None) -> Iterator[Image[StoredPixels]]:
    """Open one scene of a Zeiss file, see `Format`. The tiles of a scene are put together."""
    library = load_library(path, "Zeiss CZI", "pylibCZIrw.czi")
    with ExitStack() as files:
        with refused_where_damaged(path):
            czi = files.enter_context(library.open_czi(str(path)))
            scenes = _scenes(czi)
            names = [f"scene {number}" for number in scenes]
            scene = list(scenes)[choose_position(path, position, names)]
            pixels, axes = _stored(path, czi, scene, scenes[scene])
            document = ElementTree.fromstring(czi.raw_metadata)
            calibration = _calibration(path, document, scene or 0)
        yield Image(pixels, axes, **calibration)


def _scenes(czi: Any) -> dict[int | None, Any]:
    """Return the place of each scene, by its number; None for a file without scenes."""
    if scenes := dict(czi.scenes_bounding_rectangle_no_pyramid):
        return scenes
    box = czi.total_bounding_box_no_pyramid
    (left, right), (top, bottom) = box["X"], box["Y"]
    return {None: (left, top, right - left, bottom - top)}


def _stored(path: Path, czi: Any, scene: int | None, place: Any) -> tuple[StoredPixels, str]:
    """Return the pixels of a scene and their axes."""
    kinds = set(czi.pixel_types.values())
    if any(kind not in _TYPES for kind in kinds):
        raise in_colors(path, ", ".join(sorted(kinds)))
    if len(kinds) > 1:
        raise DeepZError(
            f"{path}: channels are of different types ({', '.join(sorted(kinds))}); expected one: "
            "save each channel as a file of its own"
        )
    box = czi.total_bounding_box
    names = [name for name in _AXES if name in box]
    shape = tuple(box[name][1] - box[name][0] for name in names)
    width_px, height_px = place[2:]

    def read(index: Index) -> Array:
        plane = {name: box[name][0] + i for name, i in zip(names, index, strict=True)}
        where = {"roi": tuple(place), "plane": plane, "scene": scene}
        with refused_where_damaged(path):
            found = np.asarray(czi.read(**where))[..., 0]
            if found.any() or not np.all(czi.read(**where, background_pixel=_EVERYWHERE)):
                return found
        listed = ", ".join(f"{name} {i + 1}" for name, i in zip(names, index, strict=True))
        raise damaged(path, f"the plane at {listed} was not acquired")

    dtype = np.dtype(_TYPES[kinds.pop()])
    axes = "".join(name.lower() if name in "TZC" else "q" for name in names)
    return StoredPixels((*shape, height_px, width_px), dtype, read), f"{axes}yx"


def _calibration(path: Path, document: ElementTree.Element, scene: int) -> dict[str, Any]:
    """Return what the XML of a file states, as keywords of `Image`."""
    information = document.find(".//Information")
    information = ElementTree.Element("none") if information is None else information
    steps = {
        item.get("Id"): in_micrometers(float(item.findtext("Value") or 0), "m")
        for item in document.findall(".//Scaling/Items/Distance")
    }
    channels = information.findall("./Image/Dimensions/Channels/Channel")
    names = tuple(channel.get("Name") or "" for channel in channels)
    wavelengths = [positive(channel.findtext("EmissionWavelength")) for channel in channels]
    emission_um = tuple(None if nm is None else nm / 1e3 for nm in wavelengths)
    interval = information.findtext("./Image/Dimensions/T/Positions/Interval/Increment")
    objective = information.find("./Instrument/Objectives/Objective")
    objective = ElementTree.Element("none") if objective is None else objective
    return {
        "pixel_size_um": square_pixel_um(path, steps.get("X"), steps.get("Y")),
        "z_step_um": steps.get("Z") or None,
        "channel_names": names if all(names) else (),
        "colors": _colors(document, channels),
        "emission_um": emission_um if any(emission_um) else (),
        "frame_interval_s": positive(in_seconds(float(interval), "s") if interval else None),
        "numerical_aperture": positive(objective.findtext("LensNA")),
        "immersion": objective.findtext("Immersion"),
        "acquisition": _acquisition(information, scene),
    }


def _colors(
    document: ElementTree.Element, channels: list[ElementTree.Element]
) -> tuple[str | None, ...]:
    """Return colors as #rrggbb, those of the display before those of the acquisition."""
    shown = {
        channel.get("Id"): channel.findtext("Color")
        for channel in document.findall(".//DisplaySetting/Channels/Channel")
    }
    written = [shown.get(found.get("Id")) or found.findtext("Color") for found in channels]
    colors = tuple(f"#{text[-6:].lower()}" if text else None for text in written)
    return colors if any(colors) else ()


def _acquisition(information: ElementTree.Element, scene: int) -> Acquisition:
    scenes = information.findall("./Image/Dimensions/S/Scenes/Scene")
    centers = {item.get("Index"): item.findtext("CenterPosition") for item in scenes}
    center = [float(part) for part in (centers.get(str(scene)) or "").split(",") if part]
    microscope = information.find("./Instrument/Microscopes/Microscope")
    microscope = ElementTree.Element("none") if microscope is None else microscope
    return Acquisition(
        started=information.findtext("./Image/AcquisitionDateAndTime"),
        stage_um=(center[0], center[1]) if len(center) == 2 else None,
        microscope=microscope.findtext("System") or microscope.get("Name"),
    )
