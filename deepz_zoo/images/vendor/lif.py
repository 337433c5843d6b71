"""Read Leica LIF: one of the images of a project, or a tile of one, by liffile."""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any
from xml.etree.ElementTree import Element

import numpy as np

from deepz_zoo.errors import DeepZError
from deepz_zoo.images.image import Acquisition, Image
from deepz_zoo.images.refusals import in_colors
from deepz_zoo.images.stored import Array, Index, StoredPixels
from deepz_zoo.images.units import in_micrometers, in_seconds, positive
from deepz_zoo.images.vendor.opening import (
    choose_position,
    load_library,
    refused_where_damaged,
    square_pixel_um,
)

# What Leica calls the tables of colors in which channels are shown.
_COLORS = {
    "red": "#ff0000",
    "green": "#00ff00",
    "blue": "#0000ff",
    "cyan": "#00ffff",
    "magenta": "#ff00ff",
    "yellow": "#ffff00",
    "gray": "#ffffff",
    "grey": "#ffffff",
}
_IMMERSIONS = {"DRY": "Air", "OIL": "Oil", "WATER": "Water", "GLYC": "Glycerol"}
_SETTINGS = ("ATLCameraSettingDefinition", "ATLConfocalSettingDefinition")


def count_in_lif(path: Path) -> int:
    """Return the number of images in a Leica file."""
    liffile = load_library(path, "Leica LIF", "liffile")
    with refused_where_damaged(path), liffile.LifFile(path) as lif:
        return len(_places(lif))


@contextmanager
def open_lif(path: Path, position: int | None) -> Iterator[Image[StoredPixels]]:
    """Open one image of a Leica file, see `Format`."""
    liffile = load_library(path, "Leica LIF", "liffile")
    with ExitStack() as files:
        with refused_where_damaged(path):
            lif = files.enter_context(liffile.LifFile(path, squeeze=False))
            places = _places(lif)
            image, tile = places[choose_position(path, position, list(map(_name, places)))]
            pixels, axes = _stored(path, image, tile)
            calibration = _calibration(path, image, tile)
        yield Image(pixels, axes, **calibration)


def _places(lif: Any) -> list[tuple[Any, int | None]]:
    """Return each image, and each tile of those that are made of tiles."""
    found: list[tuple[Any, int | None]] = []
    for image in lif.images:
        tiles = dict(image.sizes).get("M", 1)
        found += [(image, tile) for tile in range(tiles)] if tiles > 1 else [(image, None)]
    return found


def _name(place: tuple[Any, int | None]) -> str:
    image, tile = place
    return str(image.path) if tile is None else f"{image.path}, tile {tile + 1}"


def _stored(path: Path, image: Any, tile: int | None) -> tuple[StoredPixels, str]:
    """Return the pixels of an image, of which a frame is a plane, and its axes."""
    sizes = dict(image.sizes)
    if "S" in sizes:
        raise in_colors(path, f"axes {''.join(sizes)}")
    frame = tuple(image.frames.frame_dims)
    if frame != ("Y", "X"):
        raise DeepZError(
            f"{path}: {image.path} is no image of planes (its axes are {', '.join(sizes)}); "
            "expected y and x last: export it as OME-TIFF"
        )
    leading = [name for name in sizes if name not in (*frame, "M")]
    fixed = {} if tile is None else {"M": tile}
    shape = tuple(sizes[name] for name in (*leading, *frame))

    def read(index: Index) -> Array:
        with refused_where_damaged(path):
            return np.asarray(image.frame(**fixed, **dict(zip(leading, index, strict=True))))

    axes = "".join(name.lower() if name in ("T", "Z", "C") else "q" for name in leading)
    return StoredPixels(shape, np.dtype(image.dtype), read), f"{axes}yx"


def _calibration(path: Path, image: Any, tile: int | None) -> dict[str, Any]:
    """Return what the description of an image states, as keywords of `Image`."""
    xml: Element = image.xml_element
    dimensions = {
        int(found.get("DimID", 0)): found
        for found in xml.findall("./Data/Image/ImageDescription/Dimensions/DimensionDescription")
    }
    x, y, z, t = (dimensions.get(number) for number in (1, 2, 3, 4))
    z_um = None if z is None else in_micrometers(float(z.get("Origin", 0)), z.get("Unit", ""))
    settings = next((found for tag in _SETTINGS for found in xml.iter(tag)), Element("none"))
    interval = None if t is None else in_seconds(_step(t), t.get("Unit", ""))
    names, colors, emission_um = _channels(xml, settings)
    return {
        "pixel_size_um": square_pixel_um(path, _step_um(x), _step_um(y)),
        "z_step_um": _step_um(z),
        "z_origin_um": z_um or 0.0,
        "channel_names": names,
        "colors": colors,
        "emission_um": emission_um,
        "frame_interval_s": positive(interval),
        "numerical_aperture": positive(settings.get("NumericalAperture")),
        "immersion": _IMMERSIONS.get((settings.get("Immersion") or "").strip().upper()),
        "acquisition": _acquisition(image, settings, 1 if t is None else _length(t), tile),
    }


def _length(dimension: Element) -> int:
    return int(dimension.get("NumberOfElements", 1))


def _step(dimension: Element) -> float:
    """Return the distance between two elements; the length is that of the first to the last."""
    return float(dimension.get("Length", 0)) / max(1, _length(dimension) - 1)


def _step_um(dimension: Element | None) -> float | None:
    if dimension is None or _length(dimension) < 2:
        return None
    return in_micrometers(_step(dimension), dimension.get("Unit", "")) or None


def _channels(
    xml: Element, settings: Element
) -> tuple[tuple[str, ...], tuple[str | None, ...], tuple[float | None, ...]]:
    """Return names, colors and emission wavelengths of channels, each empty if unknown."""
    channels = xml.findall("./Data/Image/ImageDescription/Channels/ChannelDescription")
    cameras = _of_cameras(xml, settings, len(channels))
    tables = [channel.get("LUTName", "") for channel in channels]
    names = tuple(
        _dye(channel) or camera.get("UserDefName") or camera.get("FluoCubeName") or table
        for channel, camera, table in zip(channels, cameras, tables, strict=True)
    )
    colors = tuple(_COLORS.get(table.lower()) for table in tables)
    wavelengths = [positive(camera.get("EmissionWavelength")) for camera in cameras]
    emission_um = tuple(None if nm is None else nm / 1e3 for nm in wavelengths)
    return (
        names if all(names) and len(set(names)) == len(names) else (),
        colors if any(colors) else (),
        emission_um if any(emission_um) else (),
    )


def _of_cameras(xml: Element, settings: Element, count: int) -> list[Element]:
    """Return what is stated of each channel of a camera, acquired at once or in sequence."""
    sequence = next(xml.iter("LDM_Block_Sequential_List"), Element("none"))
    for block in (settings, sequence):
        if len(found := list(block.iter("WideFieldChannelInfo"))) == count:
            return found
    return [Element("none")] * count


def _dye(channel: Element) -> str | None:
    for found in channel.iter("ChannelProperty"):
        if found.findtext("Key") == "DyeName":
            return found.findtext("Value")
    return None


def _acquisition(image: Any, settings: Element, frames: int, tile: int | None) -> Acquisition:
    hardware = image.xml_element.find(".//Attachment[@Name='HardwareSetting']")
    hardware = Element("none") if hardware is None else hardware
    times = image.timestamps
    known = times is not None and len(times) > 0
    of_frames: Array = np.array(())
    if known and tile is None and frames > 1 and np.any(times != times[0]):
        of_frames = ((times - times[0]) / np.timedelta64(1, "s"))[:: max(1, len(times) // frames)]
    return Acquisition(
        started=str(times[0]) if known else None,
        frame_times_s=tuple(map(float, of_frames)) if len(of_frames) == frames else (),
        stage_um=_stage_um(image, settings, tile),
        microscope=settings.get("MicroscopeModel") or hardware.get("SystemTypeName"),
    )


def _stage_um(image: Any, settings: Element, tile: int | None) -> tuple[float, float] | None:
    """Return the position of the stage, which tiles state in a table of their own."""
    if tile is None:
        stated = [settings.get("StagePosX"), settings.get("StagePosY")]
    else:
        table = image.tilescan
        inside = table is not None and tile < len(table)
        stated = [table[name][tile] for name in ("pos_x", "pos_y")] if inside else []
    stage_um = [float(meters) * 1e6 for meters in stated if meters is not None]
    if len(stage_um) != 2 or not all(map(math.isfinite, stage_um)):
        return None
    return round(stage_um[0], 6), round(stage_um[1], 6)
