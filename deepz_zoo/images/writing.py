"""Write OME-TIFF and ImageJ TIFF with their calibration."""

from __future__ import annotations

import math
import os
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, Literal
from xml.sax.saxutils import quoteattr

import numpy as np
import tifffile

from deepz_zoo.errors import DeepZError
from deepz_zoo.files import replacing
from deepz_zoo.images.image import Calibration, Image, even_step
from deepz_zoo.images.stored import Array

Style = Literal["ome", "imagej"]

_MAX_IMAGEJ_BYTES = 2**32 - 2**25
_UNCALIBRATED = Calibration()


def write_image(
    path: str | os.PathLike[str], image: Image, *, style: Style = "ome", description: str = ""
) -> None:
    """Write an image as calibrated OME-TIFF or ImageJ TIFF.

    Parameters
    ----------
    path
        The file; one that exists is replaced, once the new one is complete.
    image
        Pixels and calibration. Types that the format does not have become float32.
    style
        ``"ome"`` for OME-TIFF, ``"imagej"`` for the TIFF of ImageJ and Fiji.
    description
        Free text, shown as the image's description (OME) or info (ImageJ).

    Raises
    ------
    DeepZError
        When the folder does not exist, or the image is too large for ImageJ TIFF.

    See Also
    --------
    write_planes : the same for an image that is made plane by plane.
    """
    order = [image.axes.index(name) for name in "qtzcyx" if name in image.axes]
    data = image.data.transpose(order)
    axes = "".join(image.axes[i] for i in order)
    if axes.startswith("q"):
        axes = _name_for_unnamed(axes)
    write_planes(
        path,
        iter(data.reshape(-1, *data.shape[-2:])),
        shape=data.shape,
        axes=axes,
        dtype=data.dtype,
        calibration=image.calibration,
        style=style,
        description=description,
    )


def _name_for_unnamed(axes: str) -> str:
    """Return axes with a name that both formats know in the place of the unnamed axis."""
    free = next(name for name in "tzc" if name not in axes)
    return axes.replace("q", free, 1)


def write_planes(
    path: str | os.PathLike[str],
    planes: Iterable[Array],
    *,
    shape: Sequence[int],
    axes: str,
    dtype: np.dtype[Any] | type[Any] = np.float32,
    calibration: Calibration = _UNCALIBRATED,
    style: Style = "ome",
    description: str = "",
) -> None:
    """Write an image plane by plane, so that it need not fit into memory.

    The file takes its name when the last plane is written; until then, and after an error or an
    interruption, nothing of that name is created or changed.

    Parameters
    ----------
    path
        The file.
    planes
        Planes of shape ``shape[-2:]`` in the order of the leading axes, the last one fastest.
    shape, axes
        Shape of the whole image and its axes, a subset of ``tzcyx`` in an order of this kind.
    dtype
        Type of the pixels; one that the format does not have becomes float32.
    calibration
        What is known of sampling, positions, channels and time.
    style, description
        As in `write_image`.

    Raises
    ------
    DeepZError
        When the folder does not exist, or the image is too large for ImageJ TIFF.
    """
    if len(axes) != len(shape) or [a for a in "tzcyx" if a in axes] != list(axes):
        raise ValueError(f"axes {axes!r} of shape {tuple(shape)}: expected a subset of 'tzcyx'")
    pixel_type = _writable_type(np.dtype(dtype), style)
    if style == "imagej":
        _check_imagej_size(Path(path), shape, pixel_type)
        options = _imagej_options(shape, axes, calibration, description)
    else:
        options = _ome_options(shape, axes, calibration, description)
    pages = (np.asarray(plane).astype(pixel_type, copy=False) for plane in planes)
    with replacing(path) as temporary:
        tifffile.imwrite(temporary, pages, shape=tuple(shape), dtype=pixel_type, **options)
        if style == "ome" and (lens := _objective(calibration)):
            _state_objective(temporary, lens)


def _writable_type(dtype: np.dtype[Any], style: Style) -> np.dtype[Any]:
    known = ("u1", "u2", "f4") if style == "imagej" else ("u1", "u2", "u4", "i1", "i2", "i4", "f4")
    return dtype if dtype.str[1:] in known else np.dtype(np.float32)


def _check_imagej_size(path: Path, shape: Sequence[int], dtype: np.dtype[Any]) -> None:
    size = math.prod(shape) * dtype.itemsize
    if size > _MAX_IMAGEJ_BYTES:
        raise DeepZError(
            f"{path} would hold {size / 2**30:.1f} GiB, ImageJ TIFF takes 4; write OME-TIFF instead"
        )


def _imagej_options(
    shape: Sequence[int], axes: str, calibration: Calibration, description: str
) -> dict[str, Any]:
    pixel_size_um, z_um = calibration.pixel_size_um, calibration.z_um
    metadata: dict[str, Any] = {"axes": axes.upper(), "Info": description or None}
    if pixel_size_um is not None:
        metadata["unit"] = "um"  # the description is ASCII; labels are not
    if z_um:
        metadata["Labels"] = [_z_label(z) for z in _each_plane(shape, axes, z_um)]
        if (step := even_step(z_um)) is not None:
            # An origin in slices, as in `calibration`; only a positive spacing is one.
            metadata["spacing"] = abs(step)
            metadata["zorigin"] = round(-z_um[0] / step, 9) if step > 0 else 0.0
    if calibration.frame_interval_s is not None and "t" in axes:
        metadata["finterval"] = calibration.frame_interval_s
    metadata = {key: value for key, value in metadata.items() if value is not None}
    resolution = None if pixel_size_um is None else (1 / pixel_size_um, 1 / pixel_size_um)
    return {"imagej": True, "resolution": resolution, "metadata": metadata}


def _ome_options(
    shape: Sequence[int], axes: str, calibration: Calibration, description: str
) -> dict[str, Any]:
    pixel_size_um, z_um = calibration.pixel_size_um, calibration.z_um
    metadata: dict[str, Any] = {"axes": axes.upper()}
    if description:
        metadata["Description"] = description
    if pixel_size_um is not None:
        for name in ("PhysicalSizeX", "PhysicalSizeY"):
            metadata |= {name: pixel_size_um, f"{name}Unit": "µm"}
    if z_um:
        positions = list(_each_plane(shape, axes, z_um))
        metadata["Plane"] = {"PositionZ": positions, "PositionZUnit": ["µm"] * len(positions)}
        if (step := even_step(z_um)) is not None:
            metadata |= {"PhysicalSizeZ": abs(step), "PhysicalSizeZUnit": "µm"}
    channels = shape[axes.index("c")] if "c" in axes else 1
    stated: dict[str, Any] = {}
    if len(calibration.channel_names) == channels:
        stated["Name"] = list(calibration.channel_names)
    emission_um = calibration.emission_um
    if len(emission_um) == channels and all(emission_um):
        stated["EmissionWavelength"] = [round(um * 1e3, 6) for um in emission_um if um]
        stated["EmissionWavelengthUnit"] = ["nm"] * channels
    if stated:
        metadata["Channel"] = stated
    if calibration.frame_interval_s is not None and "t" in axes:
        metadata |= {"TimeIncrement": calibration.frame_interval_s, "TimeIncrementUnit": "s"}
    return {"ome": True, "metadata": metadata, "photometric": "minisblack"}


def _objective(calibration: Calibration) -> dict[str, str]:
    """Return the attributes of OME's Objective, as far as they are known."""
    known = {"LensNA": calibration.numerical_aperture, "Immersion": calibration.immersion}
    return {name: str(value) for name, value in known.items() if value is not None}


def _state_objective(path: Path, attributes: dict[str, str]) -> None:
    """Add an objective to the OME-XML of a file, which tifffile does not write."""
    lens = " ".join(f"{name}={quoteattr(value)}" for name, value in attributes.items())
    instrument = (
        f'<Instrument ID="Instrument:0"><Objective ID="Objective:0:0" {lens}/></Instrument>'
    )
    used = '<InstrumentRef ID="Instrument:0"/><ObjectiveSettings ID="Objective:0:0"/>'
    xml = str(tifffile.tiffcomment(path))
    xml = xml.replace("<Image ", f"{instrument}<Image ", 1).replace(
        "<Pixels ", f"{used}<Pixels ", 1
    )
    tifffile.tiffcomment(path, xml.encode())


def _each_plane(shape: Sequence[int], axes: str, z_um: Sequence[float]) -> Iterator[float]:
    """Yield the z of every plane of the file, in the file's order."""
    for index in np.ndindex(*shape[:-2]):
        yield float(z_um[index[axes.index("z")]] if "z" in axes else z_um[0])


def _z_label(z_um: float) -> str:
    return f"z = {z_um:+g} µm" if z_um else "z = 0 µm"
