"""What OME-XML states of an image."""

from __future__ import annotations

import xml.etree.ElementTree as ElementTree
from pathlib import Path
from typing import Any

from deepz_zoo.errors import DeepZError
from deepz_zoo.images.image import Acquisition, even_step
from deepz_zoo.images.units import in_micrometers, in_seconds, positive


def ome_calibration(xml: str, position: int) -> dict[str, Any]:
    """Return what OME-XML states of one of its images as keywords of `Image`, but the pixel size.

    Parameters
    ----------
    xml
        The document.
    position
        Number of the image, from 0.
    """
    root = ElementTree.fromstring(xml)
    image, pixels = _image(root, position)
    if image is None or pixels is None:
        return {}
    positions = {  # of the planes along z: the last of those that share a z, which lie together
        int(plane.get("TheZ", "0")): _length(plane, "PositionZ")
        for plane in pixels.findall("{*}Plane")
    }
    z_um = [z for _, z in sorted(positions.items()) if z is not None]
    channels = pixels.findall("{*}Channel")
    names = tuple(channel.get("Name", "") for channel in channels)
    return {
        "z_step_um": even_step(z_um) or _length(pixels, "PhysicalSizeZ"),
        "z_origin_um": z_um[0] if z_um else 0.0,
        "channel_names": names if all(names) else (),
        "colors": _colors(channels),
        "frame_interval_s": positive(_time(pixels, "TimeIncrement")),
        "emission_um": tuple(_length(channel, "EmissionWavelength", "nm") for channel in channels),
        **_objective(root, image),
        "acquisition": _acquisition(root, image, pixels),
    }


def ome_pixel_sides_um(xml: str, position: int) -> list[float | None]:
    """Return width and height of a pixel in µm, None where the document does not say."""
    _, pixels = _image(ElementTree.fromstring(xml), position)
    if pixels is None:
        return [None, None]
    return [_length(pixels, "PhysicalSizeX"), _length(pixels, "PhysicalSizeY")]


def refuse_missing_parts(path: Path, xml: str) -> None:
    """Check that all files of a set that OME-XML names lie beside the one that is read.

    Raises
    ------
    DeepZError
        With the names of those that are missing.
    """
    identifiers = ElementTree.fromstring(xml).findall(".//{*}TiffData/{*}UUID")
    names = dict.fromkeys(uuid.get("FileName", "") for uuid in identifiers)
    names.pop("", None)
    if len(names) < 2:
        return  # a file alone may have been renamed
    missing = [name for name in names if not (path.parent / name).is_file()]
    if missing and len(missing) < len(names):
        listed = ", ".join(missing[:3]) + (" …" if len(missing) > 3 else "")
        raise DeepZError(
            f"{path} is one of {len(names)} files of an image, of which {len(missing)} "
            f"{'is' if len(missing) == 1 else 'are'} missing: {listed}; copy all into one folder, "
            "under the names that they had"
        )


def _image(
    root: ElementTree.Element, position: int
) -> tuple[ElementTree.Element | None, ElementTree.Element | None]:
    images = [image for image in root.findall(".//{*}Image") if image.find("{*}Pixels") is not None]
    image = images[position] if position < len(images) else None
    return image, None if image is None else image.find("{*}Pixels")


def _length(of: ElementTree.Element, name: str, unit: str = "µm") -> float | None:
    value = of.get(name)
    return None if value is None else in_micrometers(float(value), of.get(f"{name}Unit", unit))


def _time(of: ElementTree.Element, name: str) -> float | None:
    value = of.get(name)
    return None if value is None else in_seconds(float(value), of.get(f"{name}Unit", "s"))


def _colors(channels: list[ElementTree.Element]) -> tuple[str | None, ...]:
    """Return colors as #rrggbb; OME keeps them as a signed 32-bit integer of RGBA."""
    values = [channel.get("Color") for channel in channels]
    if not any(values):
        return ()
    return tuple(None if v is None else f"#{int(v) % 2**32 >> 8:06x}" for v in values)


def _acquisition(
    root: ElementTree.Element, image: ElementTree.Element, pixels: ElementTree.Element
) -> Acquisition:
    planes = pixels.findall("{*}Plane")
    times: dict[int, float] = {}  # of the first plane of each frame
    for plane in planes:
        if (time_s := _time(plane, "DeltaT")) is not None:
            times.setdefault(int(plane.get("TheT", "0")), time_s)
    complete = len(times) == int(pixels.get("SizeT", "1"))
    x_um, y_um = (
        next((um for plane in planes if (um := _length(plane, name)) is not None), None)
        for name in ("PositionX", "PositionY")
    )
    microscope = root.find(".//{*}Instrument/{*}Microscope")
    words = [] if microscope is None else [microscope.get(k) for k in ("Manufacturer", "Model")]
    return Acquisition(
        started=image.findtext("{*}AcquisitionDate"),
        frame_times_s=tuple(times[t] for t in sorted(times)) if complete else (),
        stage_um=None if x_um is None or y_um is None else (x_um, y_um),
        microscope=" ".join(word for word in words if word) or None,
    )


def _objective(root: ElementTree.Element, image: ElementTree.Element) -> dict[str, Any]:
    """Return what OME-XML says of the objective of an image."""
    objectives = root.findall(".//{*}Instrument/{*}Objective")
    settings = image.find("{*}ObjectiveSettings")
    used = [o for o in objectives if settings is not None and o.get("ID") == settings.get("ID")]
    if not used and len(objectives) != 1:
        return {}
    lens = (used or objectives)[0]
    return {
        "numerical_aperture": positive(lens.get("LensNA")),
        "immersion": lens.get("Immersion"),
    }
