"""Convert images to ImageJ and to xarray and back, with axes and calibration."""

from __future__ import annotations

from collections.abc import Hashable
from typing import TYPE_CHECKING, Any

import numpy as np

from deepz_zoo.errors import DeepZError
from deepz_zoo.fiji.gateway import ImageJ
from deepz_zoo.images import Image

if TYPE_CHECKING:
    from xarray import DataArray

_TO_JAVA = {"u1": ("i1", "ij.process.ByteProcessor"), "u2": ("i2", "ij.process.ShortProcessor")}
_FROM_JAVA = {8: np.uint8, 16: np.uint16, 32: np.float32}
_MICROMETERS = {"µm": 1.0, "um": 1.0, "micron": 1.0, "microns": 1.0, "mm": 1e3, "nm": 1e-3}
_AXES = {"pln": "z", "row": "y", "col": "x", "ch": "c", "time": "t"}  # scikit-image's names
_ATTRIBUTES = ("channel_names", "emission_um", "numerical_aperture", "immersion")  # of an xarray
_STACK_ORDER = "tzc"  # slices of an ImageJ stack: channels run fastest


def to_imageplus(imagej: ImageJ, image: Image, *, title: str = "image") -> Any:
    """Return an ImagePlus with the pixels, the axes and the calibration of an image.

    8- and 16-bit images keep their type; all others become 32-bit. An axis without a name is taken
    for z.

    Parameters
    ----------
    imagej
        A running ImageJ.
    image
        Axes among tzcyx in any order.
    title
        The title of its window.

    Raises
    ------
    DeepZError
        If a plane is too large for ImageJ (2³¹ pixels).
    """
    image_plus, stack = imagej.java_class("ij.ImagePlus"), imagej.java_class("ij.ImageStack")
    axes = image.axes.replace("q", "z")
    missing = [axis for axis in _STACK_ORDER if axis not in axes]
    data = np.expand_dims(image.data, tuple(range(len(missing))))
    axes = "".join(missing) + axes
    data = data.transpose([axes.index(axis) for axis in (*_STACK_ORDER, "y", "x")])
    frames, slices, channels, height, width = data.shape
    if width * height >= 2**31:
        raise DeepZError(f"planes of {height} × {width} px are too large for ImageJ")
    planes = stack(width, height)
    for plane in data.reshape(-1, height, width):
        planes.addSlice("", _processor(imagej, plane))
    result = image_plus(title, planes)
    result.setDimensions(channels, slices, frames)
    result.setOpenAsHyperStack(sum(size > 1 for size in (frames, slices, channels)) > 1)
    _calibrate(result.getCalibration(), image)
    return result


def _processor(imagej: ImageJ, plane: np.ndarray[Any, Any]) -> Any:
    import jpype

    height, width = plane.shape
    java_type, name = _TO_JAVA.get(plane.dtype.str[1:], ("f4", "ij.process.FloatProcessor"))
    if java_type == "f4":
        plane = plane.astype(np.float32)
    element = {"i1": jpype.JByte, "i2": jpype.JShort, "f4": jpype.JFloat}[java_type]
    pixels = jpype.JArray(element)(np.ascontiguousarray(plane).reshape(-1).view(java_type))
    return imagej.java_class(name)(width, height, pixels, None)


def _calibrate(calibration: Any, image: Image) -> None:
    if image.pixel_size_um is not None:
        calibration.pixelWidth = calibration.pixelHeight = image.pixel_size_um
    if image.z_step_um is not None:
        calibration.pixelDepth = abs(image.z_step_um)
        if image.z_step_um > 0:  # ImageJ gives the origin in slices, and only for a positive step
            calibration.zOrigin = -image.z_origin_um / image.z_step_um
    if image.pixel_size_um is not None or image.z_step_um is not None:
        calibration.setUnit("µm")
    if image.frame_interval_s is not None:
        calibration.frameInterval = image.frame_interval_s
        calibration.setTimeUnit("sec")


def from_imageplus(imp: Any) -> Image:
    """Return pixels, axes and calibration of an ImagePlus; axes of length one are dropped.

    Raises
    ------
    DeepZError
        If it is a color image, or its pixels are not square.
    """
    if imp.getBitDepth() not in _FROM_JAVA:
        raise DeepZError(f"{imp.getTitle()} is a color image; expected one intensity per pixel")
    width, height, channels, slices, frames = (int(size) for size in imp.getDimensions())
    dtype = _FROM_JAVA[int(imp.getBitDepth())]
    stack = imp.getStack()
    planes = [
        np.array(memoryview(stack.getPixels(index + 1))).view(dtype).reshape(height, width)
        for index in range(int(stack.getSize()))
    ]
    data = np.stack(planes).reshape(frames, slices, channels, height, width)
    kept = [axis for axis, size in zip(_STACK_ORDER, data.shape, strict=False) if size > 1]
    data = data.reshape(*(size for size in data.shape[:3] if size > 1), height, width)
    pixel, step = _calibration(imp)
    origin = -float(imp.getCalibration().zOrigin) * (step or 0.0)
    return Image(
        data,
        "".join((*kept, "y", "x")),
        pixel_size_um=pixel,
        z_step_um=step if slices > 1 else None,  # ImageJ's default is 1
        z_origin_um=origin + 0.0,  # not -0.0
        frame_interval_s=float(imp.getCalibration().frameInterval) or None,
    )


def _calibration(imp: Any) -> tuple[float | None, float | None]:
    """Return pixel size and z step in µm, or None twice without a unit of length."""
    calibration = imp.getCalibration()
    factor = _MICROMETERS.get(str(calibration.getUnit()))
    if factor is None:
        return None, None
    pixel, height = factor * float(calibration.pixelWidth), factor * float(calibration.pixelHeight)
    if abs(pixel - height) > 0.01 * pixel:
        raise DeepZError(f"{imp.getTitle()}: pixels of {pixel:g} × {height:g} µm; expected squares")
    return pixel, factor * float(calibration.pixelDepth)


def from_xarray(array: DataArray) -> Image:
    """Return an image from an xarray; its coordinates in µm (and seconds) are the calibration.

    Its attributes may say channel names and optics, as those of `to_xarray` do.

    Dimensions are called t, z, c, y, x, or as in scikit-image (pln, row, col, ch).

    Raises
    ------
    DeepZError
        If a dimension has another name.
    """
    names = {dim: _AXES.get(str(dim).lower(), str(dim).lower()) for dim in array.dims}
    axes = "".join(names.values())
    if not set(axes) <= set("tzcyx") or len(axes) != array.ndim or not {"y", "x"} <= set(axes):
        raise DeepZError(
            f"dimensions {', '.join(map(str, array.dims))}; expected y, x and any of t, z, c"
        )
    order = [dim for axis in (*_STACK_ORDER, "y", "x") for dim in names if names[dim] == axis]
    array = array.transpose(*order)
    dims = {axis: dim for dim, axis in names.items()}
    z = array.coords[dims["z"]].values if "z" in dims and dims["z"] in array.coords else None
    return Image(
        array.to_numpy(),
        "".join(names[dim] for dim in order),
        pixel_size_um=_step(array, dims.get("x")),
        z_step_um=_step(array, dims.get("z")),
        z_origin_um=0.0 if z is None else float(z[0]),
        frame_interval_s=_step(array, dims.get("t")),
        **{name: array.attrs[name] for name in _ATTRIBUTES if name in array.attrs},
    )


def _step(array: DataArray, dim: Hashable | None) -> float | None:
    if dim is None or dim not in array.coords or array.sizes[dim] < 2:
        return None
    positions = array.coords[dim].values.astype(float)
    return float((positions[-1] - positions[0]) / (len(positions) - 1))


def to_xarray(image: Image) -> DataArray:
    """Return an image as an xarray with coordinates in µm (seconds for t) where they are known.

    Channel names, emission wavelengths, numerical aperture and immersion become attributes.
    """
    from xarray import DataArray

    steps = {"y": image.pixel_size_um, "x": image.pixel_size_um, "t": image.frame_interval_s}
    coords = {
        axis: np.arange(size) * step
        for axis, size in zip(image.axes, image.data.shape, strict=True)
        if (step := steps.get(axis)) is not None
    }
    if "z" in image.axes and image.z_um is not None:
        coords["z"] = np.array(image.z_um)
    attributes = {name: value for name in _ATTRIBUTES if (value := getattr(image, name))}
    return DataArray(image.data, dims=tuple(image.axes), coords=coords, attrs=attributes)
