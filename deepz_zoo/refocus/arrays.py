"""Arrays of NumPy, Dask and xarray: what they hold, and the refocused array of the same kind."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from deepz_zoo.errors import DeepZError
from deepz_zoo.images import Image, even_step
from deepz_zoo.images.refusals import check_values
from deepz_zoo.images.stored import StoredPixels

Refocus = Callable[[NDArray[Any]], NDArray[np.float32]]
"""Takes images of shape (…, y, x), and gives (…, y, x) or, for several planes, (…, z, y, x)."""

_MICROMETERS = {"µm", "μm", "um", "micron", "microns", "micrometer", "micrometers"}


def spatial_shape(image: Any) -> tuple[int, int]:
    """Return rows and columns of one image of an array.

    Raises
    ------
    DeepZError
        If it is no array of two axes or more, or an xarray without dimensions y and x.
    """
    if is_xarray(image):
        sizes = {str(name).lower(): size for name, size in image.sizes.items()}
        if not {"y", "x"} <= set(sizes):
            raise DeepZError(
                f"an image with dimensions {', '.join(map(str, image.dims))}; expected y and x "
                "among them: rename them"
            )
        return sizes["y"], sizes["x"]
    if not hasattr(image, "dtype") or not hasattr(image, "ndim"):
        raise DeepZError(
            f"an image of type {type(image).__name__}; expected an array (numpy, dask, xarray) or "
            "what `read_image` returns"
        )
    if image.ndim < 2:
        raise DeepZError(f"an image of {image.ndim} axes; expected y and x as the last ones")
    return image.shape[-2], image.shape[-1]


def pixel_size_of(image: Any) -> float | None:
    """Return the pixel size in µm that an `Image` or an xarray states, or None.

    An xarray states it by coordinates of x that are evenly spaced and have the unit µm.
    """
    if isinstance(image, Image):
        return image.pixel_size_um
    if not is_xarray(image):
        return None
    for name, coordinates in image.coords.items():
        unit = str(coordinates.attrs.get("units", ""))
        if str(name).lower() == "x" and unit.lower() in _MICROMETERS:
            step = even_step(coordinates.values)
            return None if step is None else abs(step)
    return None


def check_intensities(frames: NDArray[Any]) -> None:
    """Refuse pixels that are no intensities.

    Raises
    ------
    DeepZError
        If they are neither integers nor floats, there are none, or some are NaN or infinite.
    """
    if frames.dtype.kind not in "iuf":
        raise DeepZError(f"the image holds pixels of type {frames.dtype}; expected intensities")
    if frames.size == 0:
        raise DeepZError(f"the image holds no pixels (shape {frames.shape})")
    check_values("the image", frames)


def refocus_like(image: Any, refocus: Refocus, z_um: Sequence[float] | None) -> Any:
    """Return a refocused image of the kind of `image`.

    Parameters
    ----------
    image
        An `Image`, or an array of NumPy, Dask or xarray.
    refocus
        Refocuses NumPy arrays. On a Dask array it runs chunk by chunk, when the result is computed.
    z_um
        Distances of several planes, which become an axis z before y and x; None for one plane or
        a surface.
    """
    if isinstance(image, Image):
        return _image(image, refocus, z_um)
    if is_xarray(image):
        return _xarray(image, refocus, z_um)
    if is_dask(image):
        return _dask(image, refocus, z_um)
    return refocus(np.asarray(image))


def _image(image: Image[Any], refocus: Refocus, z_um: Sequence[float] | None) -> Image[Any]:
    plane = _without_z(image, image.axes, image.data.shape)
    data, axes = image.data, image.axes
    if plane is not None:
        data, axes = data.take(0, axis=plane), axes.replace("z", "")
    if "q" in axes:
        raise DeepZError("the axes of the image have no names: set `axes` of `read_image`")
    refocused = refocus(data.load() if isinstance(data, StoredPixels) else data)
    if z_um is None:
        return replace(image, data=refocused, axes=axes, z_step_um=None, z_origin_um=0.0)
    place = 1 if axes.startswith("t") else 0  # files hold z before channels
    return replace(
        image,
        data=np.moveaxis(refocused, -3, place),
        axes=f"{axes[:place]}z{axes[place:]}",
        z_step_um=even_step(z_um),
        z_origin_um=float(z_um[0]),
    )


def _xarray(image: Any, refocus: Refocus, z_um: Sequence[float] | None) -> Any:
    import xarray

    dims = [str(name) for name in image.dims]
    plane = _without_z(image, "".join(dims) if max(map(len, dims)) == 1 else dims, image.shape)
    if plane is not None:
        image = image.isel({image.dims[plane]: 0}, drop=True)
    by_name = {str(name).lower(): name for name in image.dims}
    image = image.transpose(..., by_name["y"], by_name["x"])
    *leading, y, x = image.dims
    z = "Z" if y == "Y" else "z"
    dims = [*leading, y, x] if z_um is None else [*leading, z, y, x]
    coords = {name: value for name, value in image.coords.items() if str(name).lower() != "z"}
    if z_um is not None:
        coords[z] = xarray.DataArray(list(z_um), dims=z, attrs={"units": "µm"})
    data = refocus_like(image.data, refocus, z_um)
    return xarray.DataArray(data, coords, dims, name=image.name, attrs=image.attrs)


def _dask(image: Any, refocus: Refocus, z_um: Sequence[float] | None) -> Any:
    whole = image.rechunk({image.ndim - 2: -1, image.ndim - 1: -1})
    *leading, ny, nx = whole.chunks
    planes, new_axis = ([], None) if z_um is None else ([(len(z_um),)], [image.ndim - 2])
    dimensions = image.ndim + len(planes)
    return whole.map_blocks(
        refocus,
        chunks=(*leading, *planes, ny, nx),
        new_axis=new_axis,
        dtype=np.float32,
        meta=np.empty((0,) * dimensions, np.float32),
    )


def _without_z(image: Any, axes: Sequence[str], shape: Sequence[int]) -> int | None:
    """Return the place of a z axis of one plane, or None where there is no z axis."""
    place = next((i for i, name in enumerate(axes) if name.lower() == "z"), None)
    if place is not None and shape[place] > 1:
        raise DeepZError(
            f"the image is a z-stack of {shape[place]} planes, but Deep-Z starts from one: choose "
            "it first"
        )
    return place


def is_xarray(image: Any) -> bool:
    """Tell whether this is a DataArray, without importing xarray."""
    return type(image).__module__.partition(".")[0] == "xarray" and hasattr(image, "dims")


def is_dask(image: Any) -> bool:
    """Tell whether this is a Dask array, without importing Dask."""
    return type(image).__module__.startswith("dask.array")
