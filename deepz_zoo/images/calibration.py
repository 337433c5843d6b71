"""The calibration that the tags and descriptions of TIFF files state, in µm and seconds."""

from __future__ import annotations

import math
import xml.etree.ElementTree as ElementTree
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import tifffile

from deepz_zoo.errors import DeepZError
from deepz_zoo.images.image import even_step

_MICROMETERS = {
    "m": 1e6,
    "cm": 1e4,
    "mm": 1e3,
    "µm": 1.0,
    "um": 1.0,
    "micron": 1.0,
    "microns": 1.0,
    "micrometer": 1.0,
    "micrometers": 1.0,
    "micrometre": 1.0,
    "micrometres": 1.0,
    "nm": 1e-3,
    "nanometer": 1e-3,
    "nanometers": 1e-3,
    "å": 1e-4,
    "angstrom": 1e-4,
    "pm": 1e-6,
    "inch": 25400.0,
    "in": 25400.0,
}
_RESOLUTION_UNITS = {2: "inch", 3: "cm"}
# Resolutions of 72 or 300 dpi describe paper and screens; they are no calibration.
_MAX_PIXEL_FROM_DPI_UM = 20.0
_SQUARE_TOLERANCE = 0.01


def read_calibration(path: Path, tif: tifffile.TiffFile, position: int) -> dict[str, Any]:
    """Return the calibration of one image of a TIFF file as keywords of `Image`."""
    if tif.is_ome and tif.ome_metadata:
        return _ome_calibration(path, tif.ome_metadata, position)
    if tif.is_imagej:
        return _imagej_calibration(path, tif.imagej_metadata or {}, tif.pages.first)
    unit = _RESOLUTION_UNITS.get(_tag(tif.pages.first, "ResolutionUnit", 1))
    return {"pixel_size_um": _pixel_from_tags(path, tif.pages.first, unit)}


def _ome_calibration(path: Path, xml: str, position: int) -> dict[str, Any]:
    root = ElementTree.fromstring(xml)
    images = [image for image in root.findall(".//{*}Image") if image.find("{*}Pixels") is not None]
    if position >= len(images):
        return {}
    pixels = images[position].find("{*}Pixels")
    assert pixels is not None

    def length(name: str, of: ElementTree.Element = pixels) -> float | None:
        value = of.get(name)
        return None if value is None else _in_micrometers(float(value), of.get(f"{name}Unit", "µm"))

    positions = {  # of the planes along z: the last of those that share a z, which lie together
        int(plane.get("TheZ", "0")): length("PositionZ", plane)
        for plane in pixels.findall("{*}Plane")
    }
    z_um = [z for _, z in sorted(positions.items()) if z is not None]
    channels = pixels.findall("{*}Channel")
    names = tuple(channel.get("Name", "") for channel in channels)
    interval = pixels.get("TimeIncrement")
    in_seconds = pixels.get("TimeIncrementUnit", "s") == "s"
    return {
        "pixel_size_um": _square(path, length("PhysicalSizeX"), length("PhysicalSizeY")),
        "z_step_um": even_step(z_um) or length("PhysicalSizeZ"),
        "z_origin_um": z_um[0] if z_um else 0.0,
        "channel_names": names if all(names) else (),
        "frame_interval_s": _positive(interval) if in_seconds else None,
        "emission_um": tuple(_emission_um(channel) for channel in channels),
        **_ome_objective(root, images[position]),
    }


def _emission_um(channel: ElementTree.Element) -> float | None:
    value = channel.get("EmissionWavelength")
    unit = channel.get("EmissionWavelengthUnit", "nm")
    return None if value is None else _in_micrometers(float(value), unit)


def _ome_objective(root: ElementTree.Element, image: ElementTree.Element) -> dict[str, Any]:
    """Return what OME-XML says of the objective of an image."""
    objectives = root.findall(".//{*}Instrument/{*}Objective")
    settings = image.find("{*}ObjectiveSettings")
    used = [o for o in objectives if settings is not None and o.get("ID") == settings.get("ID")]
    if not used and len(objectives) != 1:
        return {}
    lens = (used or objectives)[0]
    aperture = lens.get("LensNA")
    return {
        "numerical_aperture": _positive(aperture),
        "immersion": lens.get("Immersion"),
    }


def _imagej_calibration(
    path: Path, metadata: Mapping[str, Any], page: tifffile.TiffPage | tifffile.TiffFrame
) -> dict[str, Any]:
    unit = str(metadata.get("unit", ""))
    step = _in_micrometers(float(metadata.get("spacing", math.nan)), unit)
    # ImageJ counts the z origin in slices: z = (slice - zorigin) * spacing.
    origin = -float(metadata.get("zorigin", 0.0)) * (step or 0.0)
    interval = _positive(metadata.get("finterval"))
    in_seconds = str(metadata.get("tunit", "s")) in {"s", "sec", "second", "seconds"}
    return {
        "pixel_size_um": _pixel_from_tags(path, page, unit),
        "z_step_um": step,
        "z_origin_um": origin + 0.0,  # not -0.0
        "frame_interval_s": interval if in_seconds else None,
    }


def _pixel_from_tags(
    path: Path, page: tifffile.TiffPage | tifffile.TiffFrame, unit: str | None
) -> float | None:
    """Return the pixel size from the tags for pixels per unit, or None."""
    sizes = []
    for name in ("XResolution", "YResolution"):
        count, per = _tag(page, name, (0, 1))
        sizes.append(_in_micrometers(per / count, unit or "") if count and per else None)
    return _square(path, *sizes)


def _tag(page: tifffile.TiffPage | tifffile.TiffFrame, name: str, default: Any) -> Any:
    tag = page.aspage().tags.get(name)
    return default if tag is None else tag.value


def _positive(value: Any) -> float | None:
    """Return a number that a file states, None where it is missing or cannot be meant."""
    number = math.nan if value is None else float(value)
    return number if 0 < number < math.inf else None


def _in_micrometers(value: float, unit: str) -> float | None:
    """Convert a length of either sign; None for an unknown unit, NaN and infinity."""
    # ImageJ writes the six characters \u00B5 for µ; Greek mu and the micro sign look alike.
    name = unit.strip().replace("\\u00B5", "µ").replace("\u03bc", "µ").replace("\u212b", "Å")
    factor = _MICROMETERS.get(name.lower())
    if factor is None or not math.isfinite(value):
        return None
    length = float(f"{value * factor:.9g}")  # without binary rounding errors
    from_dpi = name in {"inch", "in", "cm"} and length > _MAX_PIXEL_FROM_DPI_UM
    return None if from_dpi else length


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
