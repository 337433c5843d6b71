"""Write OME-TIFF and ImageJ TIFF with their calibration."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal
from xml.sax.saxutils import quoteattr

import numpy as np
import tifffile

from deepz_zoo.errors import DeepZError
from deepz_zoo.images.image import Calibration, even_step
from deepz_zoo.images.new_image import NewImage, PlaneWriter
from deepz_zoo.images.stored import Array

Style = Literal["ome", "imagej"]

_MAX_BYTES = 2**32 - 2**25
_BYTES_BESIDE_A_PLANE = 1024  # tags and description


def check_size(path: Path, new: NewImage, style: Style) -> None:
    """Refuse an image that the TIFF of ImageJ cannot hold.

    Raises
    ------
    DeepZError
        If it is larger than 4 GB.
    """
    size = math.prod(new.shape) * _writable_type(new.dtype, style).itemsize
    if style == "imagej" and size > _MAX_BYTES:
        raise DeepZError(
            f"{path} would hold {size / 2**30:.1f} GiB, ImageJ TIFF takes 4; write OME-TIFF instead"
        )


@contextmanager
def new_tiff(path: Path, new: NewImage, style: Style) -> Iterator[PlaneWriter]:
    """Write a TIFF file: first all but the pixels, then these where they belong.

    Raises
    ------
    ValueError
        If the block did not write all rows of all planes.
    """
    shape, dtype = new.shape, _writable_type(new.dtype, style)
    options = _imagej_options(new) if style == "imagej" else _ome_options(new)
    place = tifffile.imwrite(path, shape=shape, dtype=dtype, returnoffset=True, **options)
    assert place is not None  # as for all files without compression
    row_bytes, written = shape[-1] * dtype.itemsize, 0
    with path.open("r+b") as file:

        def write(rows: Array, plane: int, first_row: int = 0) -> None:
            nonlocal written
            file.seek(place[0] + (plane * shape[-2] + first_row) * row_bytes)
            file.write(np.ascontiguousarray(rows, dtype).data)
            written += len(rows)

        yield write
    if written != (expected := math.prod(shape[:-1])):
        raise ValueError(f"{written} of {expected} rows were written")
    instrument, used = _instrument(new.calibration)
    if style == "ome" and instrument:
        _state_instrument(path, instrument, used)


def _writable_type(dtype: np.dtype[Any], style: Style) -> np.dtype[Any]:
    known = ("u1", "u2", "f4") if style == "imagej" else ("u1", "u2", "u4", "i1", "i2", "i4", "f4")
    return dtype if dtype.str[1:] in known else np.dtype(np.float32)


def _imagej_options(new: NewImage) -> dict[str, Any]:
    calibration = new.calibration
    pixel_size_um, z_um = calibration.pixel_size_um, calibration.z_um
    metadata: dict[str, Any] = {"axes": new.axes.upper(), "Info": new.description or None}
    if pixel_size_um is not None:
        metadata["unit"] = "um"  # the description is ASCII; labels are not
    if z_um:
        metadata["Labels"] = [_z_label(z) for z in _each_plane(new, z_um)]
        if (step := even_step(z_um)) is not None:
            # An origin in slices, as in `calibration`; only a positive spacing is one.
            metadata["spacing"] = abs(step)
            metadata["zorigin"] = round(-z_um[0] / step, 9) if step > 0 else 0.0
    if calibration.frame_interval_s is not None and "t" in new.axes:
        metadata["finterval"] = calibration.frame_interval_s
    metadata = {key: value for key, value in metadata.items() if value is not None}
    resolution = None if pixel_size_um is None else (1 / pixel_size_um, 1 / pixel_size_um)
    return {"imagej": True, "resolution": resolution, "metadata": metadata}


def _ome_options(new: NewImage) -> dict[str, Any]:
    calibration = new.calibration
    pixel_size_um, z_um = calibration.pixel_size_um, calibration.z_um
    metadata: dict[str, Any] = {"axes": new.axes.upper()}
    if new.description:
        metadata["Description"] = new.description
    if pixel_size_um is not None:
        for name in ("PhysicalSizeX", "PhysicalSizeY"):
            metadata |= {name: pixel_size_um, f"{name}Unit": "µm"}
    planes = _when_and_where(new)
    if z_um:
        positions = list(_each_plane(new, z_um))
        planes |= {"PositionZ": positions, "PositionZUnit": ["µm"] * len(positions)}
        if (step := even_step(z_um)) is not None:
            metadata |= {"PhysicalSizeZ": abs(step), "PhysicalSizeZUnit": "µm"}
    if planes:
        metadata["Plane"] = planes
    if calibration.acquisition.started:
        metadata["AcquisitionDate"] = calibration.acquisition.started
    channels = new.shape[new.axes.index("c")] if "c" in new.axes else 1
    stated: dict[str, Any] = {}
    if len(calibration.channel_names) == channels:
        stated["Name"] = list(calibration.channel_names)
    emission_um = calibration.emission_um
    if len(emission_um) == channels and all(emission_um):
        stated["EmissionWavelength"] = [round(um * 1e3, 6) for um in emission_um if um]
        stated["EmissionWavelengthUnit"] = ["nm"] * channels
    colors = calibration.colors
    if len(colors) == channels and all(colors):
        stated["Color"] = [_ome_color(color) for color in colors if color]
    if stated:
        metadata["Channel"] = stated
    if calibration.frame_interval_s is not None and "t" in new.axes:
        metadata |= {"TimeIncrement": calibration.frame_interval_s, "TimeIncrementUnit": "s"}
    itemsize = _writable_type(new.dtype, "ome").itemsize
    beside = math.prod(new.shape[:-2]) * _BYTES_BESIDE_A_PLANE
    large = math.prod(new.shape) * itemsize + beside > _MAX_BYTES
    return {"ome": True, "metadata": metadata, "photometric": "minisblack", "bigtiff": large}


def _when_and_where(new: NewImage) -> dict[str, list[Any]]:
    """Return the time of every plane and the position of the stage, as OME's planes state them."""
    acquisition, count = new.calibration.acquisition, math.prod(new.shape[:-2])
    stated: dict[str, list[Any]] = {}
    times_s = acquisition.frame_times_s
    if times_s and len(times_s) == (new.shape[0] if "t" in new.axes else 1):  # t comes first
        stated["DeltaT"] = [time_s for time_s in times_s for _ in range(count // len(times_s))]
        stated["DeltaTUnit"] = ["s"] * count
    if acquisition.stage_um:
        for name, um in zip(("PositionX", "PositionY"), acquisition.stage_um, strict=True):
            stated |= {name: [um] * count, f"{name}Unit": ["µm"] * count}
    return stated


def _ome_color(color: str) -> int:
    """Return #rrggbb as OME keeps it: RGBA in a signed 32-bit integer."""
    rgba = int(color[1:], 16) << 8 | 255
    return rgba - 2**32 if rgba >= 2**31 else rgba


def _instrument(calibration: Calibration) -> tuple[str, str]:
    """Return OME's Instrument and what refers to it from an image, as far as they are known."""
    parts, used = "", '<InstrumentRef ID="Instrument:0"/>'
    if calibration.acquisition.microscope:
        parts += f"<Microscope Model={quoteattr(calibration.acquisition.microscope)}/>"
    lens = {"LensNA": calibration.numerical_aperture, "Immersion": calibration.immersion}
    known = [f"{name}={quoteattr(str(value))}" for name, value in lens.items() if value is not None]
    if known:
        parts += f'<Objective ID="Objective:0:0" {" ".join(known)}/>'
        used += '<ObjectiveSettings ID="Objective:0:0"/>'
    return (f'<Instrument ID="Instrument:0">{parts}</Instrument>', used) if parts else ("", "")


def _state_instrument(path: Path, instrument: str, used: str) -> None:
    """Add an instrument to the OME-XML of a file, which tifffile does not write."""
    xml = str(tifffile.tiffcomment(path))
    xml = xml.replace("<Image ", f"{instrument}<Image ", 1)
    xml = xml.replace("<Pixels ", f"{used}<Pixels ", 1)
    tifffile.tiffcomment(path, xml.encode())


def _each_plane(new: NewImage, z_um: Sequence[float]) -> Iterator[float]:
    """Yield the z of every plane of the file, in the file's order."""
    for index in np.ndindex(*new.shape[:-2]):
        yield float(z_um[index[new.axes.index("z")]] if "z" in new.axes else z_um[0])


def _z_label(z_um: float) -> str:
    return f"z = {z_um:+g} µm" if z_um else "z = 0 µm"
