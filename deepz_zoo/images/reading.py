"""Read and write microscopy images together with their calibration.

Everything that enters the project as a picture passes here: TIFF (plain, ImageJ, OME) and PNG come
in, OME-TIFF and ImageJ TIFF go out. Lengths are µm on both sides, whatever unit a file uses.
"""

from __future__ import annotations

import logging
import math
import os
import re
import xml.etree.ElementTree as ElementTree
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
import tifffile

from deepz_zoo.errors import DeepZError
from deepz_zoo.files import replacing

Array = np.ndarray[Any, Any]
Style = Literal["ome", "imagej"]

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
_LARGEST_PIXEL_FROM_DPI_UM = 20.0
_SQUARE_TOLERANCE = 0.01
_IMAGEJ_LARGEST_BYTES = 2**32 - 2**25

_TIFF_MAGIC = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")
_PNG_MAGIC = b"\x89PNG"
_FOREIGN_MAGIC = {
    b"\xff\xd8\xff": "a JPEG file, whose compression destroys intensities",
    b"\x89HDF": "an HDF5 file",
    b"\xda\xce\xbe\x0a": "a Nikon ND2 file",
    b"ZISRAWFI": "a Zeiss CZI file",
    b"PK\x03\x04": "a zip file",
    b"GIF8": "a GIF file",
    b"BM": "a BMP file",
    b"%PDF": "a PDF file",
}
# What tifffile logs where it carries on with fewer planes, zeros or lost metadata.
_DAMAGE = re.compile(r"invalid (page|value) offset|corrupt|missing|failed to read|incomplete")


@dataclass(frozen=True, eq=False)
class Image:
    """Pixels with the names of their axes and their calibration.

    Attributes
    ----------
    data
        The pixels as the file holds them, with y and x last.
    axes
        A letter for each axis: t (time), z, c (channel), y, x; q for an axis that the file does
        not name.
    pixel_size_um
        Lateral sampling in µm, or None where the file does not say.
    z_step_um
        Distance between planes in µm, or None.
    z_origin_um
        Axial position of the first plane (of the only plane, where there is no z axis) in µm.
    channel_names
        One name a channel, or empty.
    frame_interval_s
        Time between frames in seconds, or None.
    emission_um
        Emission wavelength of each channel in µm, None where the file does not say; or empty.
    numerical_aperture, immersion
        Of the objective, where the file says it; the immersion as OME names it: Air, Water, Oil, ….
    """

    data: Array
    axes: str
    pixel_size_um: float | None = None
    z_step_um: float | None = None
    z_origin_um: float = 0.0
    channel_names: tuple[str, ...] = ()
    frame_interval_s: float | None = None
    emission_um: tuple[float | None, ...] = ()
    numerical_aperture: float | None = None
    immersion: str | None = None

    def __post_init__(self) -> None:
        """Check that the axes fit the data."""
        if len(self.axes) != self.data.ndim or not self.axes.endswith("yx"):
            raise ValueError(f"axes {self.axes!r} do not fit data of shape {self.data.shape}")

    @property
    def z_um(self) -> tuple[float, ...] | None:
        """Axial position of each plane in µm, or None where z is not calibrated."""
        if "z" not in self.axes:
            return (self.z_origin_um,)
        if self.z_step_um is None:
            return None
        planes = self.data.shape[self.axes.index("z")]
        return tuple(round(self.z_origin_um + i * self.z_step_um, 9) for i in range(planes))


# ------------------------------------------------------------------------------------- reading


def count_positions(path: str | os.PathLike[str]) -> int:
    """Return how many separate images a file holds: the positions of a multi-position OME-TIFF.

    Raises
    ------
    DeepZError
        When the file is missing, empty or no image.
    """
    path = Path(path)
    if _format(path) == "png":
        return 1
    try:
        with _tifffile_complaints([]), tifffile.TiffFile(path) as tif:
            return len(tif.series)
    except Exception as error:
        raise _damaged(path, error) from error


def read_image(
    path: str | os.PathLike[str], *, axes: str | None = None, position: int | None = None
) -> Image:
    """Read a TIFF, OME-TIFF, ImageJ TIFF or PNG file with its calibration.

    Axes of length one are dropped, except y and x.

    Parameters
    ----------
    path
        The file. What it holds decides how it is read, not how it is called.
    axes
        Names for the axes of length above one, such as ``"tyx"``: for a file that does not name
        them or names them wrongly (time saved as z, for instance).
    position
        Which of the separate images of a multi-position file, from 0; None for a file that holds
        only one.

    Returns
    -------
    Image
        Integer or floating-point pixels, all of them finite.

    Raises
    ------
    DeepZError
        When the file is missing, empty, no image, damaged, of color, complex, black-and-white, of
        non-square pixels, holds several images or pixels that are no numbers, or when `axes` does
        not fit.
    """
    path = Path(path)
    image = _read_png(path) if _format(path) == "png" else _read_tiff(path, position)
    _check_pixels(path, image.data)
    return image if axes is None else _rename_axes(path, image, axes)


def _format(path: Path) -> Literal["tiff", "png"]:
    """Tell the two formats by their first bytes; refuse everything else."""
    if path.is_dir():
        raise DeepZError(f"{path} is a folder; expected an image file (TIFF or PNG)")
    if not path.exists():
        raise DeepZError(f"{path} does not exist; expected an image file (TIFF or PNG)")
    with path.open("rb") as file:
        start = file.read(8)
    if not start:
        raise DeepZError(f"{path} is empty (0 bytes); expected a TIFF or PNG image")
    if start.startswith(_TIFF_MAGIC):
        return "tiff"
    if start.startswith(_PNG_MAGIC):
        return "png"
    found = next(
        (name for magic, name in _FOREIGN_MAGIC.items() if start.startswith(magic)),
        "neither a TIFF nor a PNG file, whatever its name says",
    )
    raise DeepZError(f"{path} is {found}; save the image as TIFF or OME-TIFF (Fiji can) first")


def _read_png(path: Path) -> Image:
    from imageio.v3 import imread

    try:
        data = np.asarray(imread(path, plugin="pillow"))
    except Exception as error:
        raise _damaged(path, error) from error
    if data.ndim != 2:
        raise DeepZError(_color_message(path, f"shape {data.shape}"))
    return Image(data, "yx")


def _read_tiff(path: Path, position: int | None) -> Image:
    complaints: list[str] = []
    try:
        with _tifffile_complaints(complaints), tifffile.TiffFile(path) as tif:
            index = _only_position(path, tif) if position is None else position
            series = tif.series[index]
            names = series.axes.lower()
            if "s" in names:
                raise DeepZError(_color_message(path, f"axes {series.axes}, shape {series.shape}"))
            calibration = _calibration(path, tif, index)
            data = _pixels(tif, series)
    except (DeepZError, MemoryError):
        raise
    except Exception as error:
        raise _damaged(path, error) from error
    if complaints:
        raise _damaged(path, complaints[0])
    data, names = _canonical(data, names)
    return Image(data, names, **calibration)


def _pixels(tif: tifffile.TiffFile, series: tifffile.TiffPageSeries) -> Array:
    """Return the pixels of one image, which may lie in another file of a set of positions."""
    if series.keyframe.parent is tif:
        return np.asarray(series.asarray())
    # By pages: otherwise tifffile looks for contiguous pixels in the file that was opened.
    return np.asarray(series.asarray(key=slice(None))).reshape(series.shape)


def _only_position(path: Path, tif: tifffile.TiffFile) -> int:
    if len(tif.series) > 1:
        shapes = ", ".join("×".join(map(str, series.shape)) for series in tif.series[:4])
        raise DeepZError(
            f"{path} holds {len(tif.series)} separate images ({shapes} …); "
            "save the wanted one as a file of its own"
        )
    return 0


@contextmanager
def _tifffile_complaints(found: list[str]) -> Iterator[None]:
    """Collect what tifffile logs about a damaged file, which it reads as far as it can."""

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


def _damaged(path: Path, reason: Exception | str) -> DeepZError:
    return DeepZError(
        f"{path} cannot be read whole ({reason}); the file is truncated, damaged or compressed in "
        "an unknown way: copy or export it again"
    )


def _color_message(path: Path, found: str) -> str:
    return (
        f"{path} is a color (RGB or alpha) image ({found}); expected one intensity a pixel: "
        "split the channels (in Fiji: Image > Color > Split Channels) and give one of them"
    )


def _canonical(data: Array, names: str) -> tuple[Array, str]:
    """Drop axes of length one, move y and x to the end and call unnamed axes q."""
    names = "".join(name if name in "tzcyx" else "q" for name in names)
    drop = tuple(i for i, name in enumerate(names) if name not in "yx" and data.shape[i] == 1)
    data = np.squeeze(data, axis=drop)
    names = "".join(name for i, name in enumerate(names) if i not in drop)
    return _image_axes_last(data, names)


def _image_axes_last(data: Array, names: str) -> tuple[Array, str]:
    order = [i for i, name in enumerate(names) if name not in "yx"]
    order += [names.index("y"), names.index("x")]
    return data.transpose(order), "".join(names[i] for i in order)


def _rename_axes(path: Path, image: Image, axes: str) -> Image:
    names = axes.lower()
    if len(set(names)) != len(names) or not {"y", "x"} <= set(names) <= set("tzcyx"):
        raise DeepZError(f"axes {axes!r}: expected different letters of tzcyx with y and x")
    if len(names) != image.data.ndim:
        raise DeepZError(
            f"axes {axes!r} name {len(names)} axes; {path} has {image.data.ndim}, "
            f"of lengths {'×'.join(map(str, image.data.shape))} ({image.axes})"
        )
    data, names = _image_axes_last(image.data, names)
    channels = image.channel_names if "c" in names and "c" in image.axes else ()
    return Image(
        data,
        names,
        image.pixel_size_um,
        image.z_step_um,
        image.z_origin_um,
        channels,
        image.frame_interval_s,
    )


def _check_pixels(path: Path, data: Array) -> None:
    if data.dtype.kind == "c":
        raise DeepZError(f"{path} holds complex numbers ({data.dtype}); expected real intensities")
    if data.dtype.kind == "b":
        raise DeepZError(f"{path} is a black-and-white (1 bit) image; expected intensities")
    if data.dtype.kind not in "iuf":
        raise DeepZError(f"{path} holds pixels of type {data.dtype}; expected integers or floats")
    if data.size == 0:
        raise DeepZError(f"{path} holds no pixels (shape {data.shape})")
    if data.dtype.kind == "f" and (bad := int(np.count_nonzero(~np.isfinite(data)))):
        raise DeepZError(
            f"{path}: {bad} of {data.size} pixels are NaN or infinite; replace them by numbers "
            "first (in Fiji: Process > Math > NaN Background or Macro)"
        )


# --------------------------------------------------------------------------------- calibration


def _calibration(path: Path, tif: tifffile.TiffFile, position: int) -> dict[str, Any]:
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
        "frame_interval_s": float(interval) if interval and in_seconds else None,
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
        "numerical_aperture": None if aperture is None else float(aperture),
        "immersion": lens.get("Immersion"),
    }


def _imagej_calibration(
    path: Path, metadata: Mapping[str, Any], page: tifffile.TiffPage | tifffile.TiffFrame
) -> dict[str, Any]:
    unit = str(metadata.get("unit", ""))
    step = _in_micrometers(float(metadata.get("spacing", math.nan)), unit)
    # ImageJ counts the z origin in slices: z = (slice - zorigin) * spacing.
    origin = -float(metadata.get("zorigin", 0.0)) * (step or 0.0)
    interval = float(metadata.get("finterval", 0.0))
    in_seconds = str(metadata.get("tunit", "s")) in {"s", "sec", "second", "seconds"}
    return {
        "pixel_size_um": _pixel_from_tags(path, page, unit),
        "z_step_um": step,
        "z_origin_um": origin + 0.0,  # not -0.0
        "frame_interval_s": interval if interval > 0 and in_seconds else None,
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


def _in_micrometers(value: float, unit: str) -> float | None:
    """Convert a positive or negative length; None for an unknown unit or a value that is none."""
    # ImageJ writes the six characters \u00B5 for µ; Greek mu and the micro sign look alike.
    name = unit.strip().replace("\\u00B5", "µ").replace("\u03bc", "µ").replace("\u212b", "Å")
    factor = _MICROMETERS.get(name.lower())
    if factor is None or not math.isfinite(value):
        return None
    length = float(f"{value * factor:.9g}")  # nm and inch without the dust of binary fractions
    from_dpi = name in {"inch", "in", "cm"} and length > _LARGEST_PIXEL_FROM_DPI_UM
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


# ------------------------------------------------------------------------------------- writing


def write_image(
    path: str | os.PathLike[str], image: Image, *, style: Style = "ome", description: str = ""
) -> None:
    """Write an image as calibrated OME-TIFF or ImageJ TIFF.

    Parameters
    ----------
    path
        The file; one that exists is replaced, once the new one is complete.
    image
        Pixels and calibration. Types that the format has not become float32.
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
        pixel_size_um=image.pixel_size_um,
        z_um=image.z_um,
        channel_names=image.channel_names,
        frame_interval_s=image.frame_interval_s,
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
    pixel_size_um: float | None = None,
    z_um: Sequence[float] | None = None,
    channel_names: Sequence[str] = (),
    frame_interval_s: float | None = None,
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
        Type of the pixels; one that the format has not becomes float32.
    pixel_size_um, frame_interval_s
        Calibration; None where unknown.
    z_um
        Position of each plane along z in µm; a single one where there is no z axis. Steps need
        not be equal: every plane carries its own position.
    channel_names
        One name a channel, or none.
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
        options = _imagej_options(shape, axes, pixel_size_um, z_um, frame_interval_s, description)
    else:
        options = _ome_options(
            shape, axes, pixel_size_um, z_um, channel_names, frame_interval_s, description
        )
    pages = (np.asarray(plane).astype(pixel_type, copy=False) for plane in planes)
    with replacing(path) as temporary:
        tifffile.imwrite(temporary, pages, shape=tuple(shape), dtype=pixel_type, **options)


def _writable_type(dtype: np.dtype[Any], style: Style) -> np.dtype[Any]:
    known = ("u1", "u2", "f4") if style == "imagej" else ("u1", "u2", "u4", "i1", "i2", "i4", "f4")
    return dtype if dtype.str[1:] in known else np.dtype(np.float32)


def _check_imagej_size(path: Path, shape: Sequence[int], dtype: np.dtype[Any]) -> None:
    size = math.prod(shape) * dtype.itemsize
    if size > _IMAGEJ_LARGEST_BYTES:
        raise DeepZError(
            f"{path} would hold {size / 2**30:.1f} GiB, ImageJ TIFF takes 4; write OME-TIFF instead"
        )


def _imagej_options(
    shape: Sequence[int],
    axes: str,
    pixel_size_um: float | None,
    z_um: Sequence[float] | None,
    frame_interval_s: float | None,
    description: str,
) -> dict[str, Any]:
    metadata: dict[str, Any] = {"axes": axes.upper(), "Info": description or None}
    if pixel_size_um is not None:
        metadata["unit"] = "um"  # the description is ASCII; labels are not
    if z_um:
        metadata["Labels"] = [_z_label(z) for z in _each_plane(shape, axes, z_um)]
        if (step := even_step(z_um)) is not None:
            # An origin in slices, see _imagej_calibration; only a positive spacing is one.
            metadata["spacing"] = abs(step)
            metadata["zorigin"] = round(-z_um[0] / step, 9) if step > 0 else 0.0
    if frame_interval_s is not None and "t" in axes:
        metadata["finterval"] = frame_interval_s
    metadata = {key: value for key, value in metadata.items() if value is not None}
    resolution = None if pixel_size_um is None else (1 / pixel_size_um, 1 / pixel_size_um)
    return {"imagej": True, "resolution": resolution, "metadata": metadata}


def _ome_options(
    shape: Sequence[int],
    axes: str,
    pixel_size_um: float | None,
    z_um: Sequence[float] | None,
    channel_names: Sequence[str],
    frame_interval_s: float | None,
    description: str,
) -> dict[str, Any]:
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
    if len(channel_names) == (shape[axes.index("c")] if "c" in axes else 1):
        metadata["Channel"] = {"Name": list(channel_names)}
    if frame_interval_s is not None and "t" in axes:
        metadata |= {"TimeIncrement": frame_interval_s, "TimeIncrementUnit": "s"}
    return {"ome": True, "metadata": metadata, "photometric": "minisblack"}


def _each_plane(shape: Sequence[int], axes: str, z_um: Sequence[float]) -> Iterator[float]:
    """Yield the z of every plane of the file, in the file's order."""
    for index in np.ndindex(*shape[:-2]):
        yield float(z_um[index[axes.index("z")]] if "z" in axes else z_um[0])


def _z_label(z_um: float) -> str:
    return f"z = {z_um:+g} µm" if z_um else "z = 0 µm"


def even_step(z_um: Sequence[float]) -> float | None:
    """Return the step of equally spaced positions in µm, or None for others or a single one."""
    if len(z_um) < 2:
        return None
    steps = np.diff(np.asarray(z_um, dtype=float))
    even = bool(np.allclose(steps, steps[0], rtol=1e-3, atol=1e-6)) and steps[0] != 0
    return round(float(np.mean(steps)), 9) if even else None
