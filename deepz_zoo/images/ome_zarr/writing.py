"""Write OME-Zarr: planes as they come, chunk by chunk, then smaller copies of them."""

from __future__ import annotations

import math
import platform
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from itertools import pairwise
from pathlib import Path
from typing import Any, Literal

import numpy as np

from deepz_zoo.errors import DeepZError
from deepz_zoo.images.image import even_step
from deepz_zoo.images.new_image import NewImage, PlaneWriter
from deepz_zoo.images.ome_zarr.library import load_libraries
from deepz_zoo.images.stored import Array

ZarrVersion = Literal["0.4", "0.5"]

_CHUNK_PX = 1024
_SMALLEST_PX = 256  # side of the smallest copy, at most
_UNITS = {"t": "second", "z": "micrometer", "y": "micrometer", "x": "micrometer"}


@contextmanager
def new_ome_zarr(path: Path, new: NewImage, version: ZarrVersion) -> Iterator[PlaneWriter]:
    """Write an image as OME-Zarr: first its metadata, then the planes, at last its pyramid.

    Parameters
    ----------
    path
        A folder that does not exist.
    new
        What will be written.
    version
        Of OME-Zarr.

    Raises
    ------
    DeepZError
        If the libraries for it are not installed.
    ValueError
        If the block did not write all rows of all planes.
    """
    ngff_zarr, zarr = load_libraries(path)
    scales = _describe(ngff_zarr, new)
    ngff_zarr.to_ome_zarr(
        str(path), scales, version=version, metadata_only=True, consolidate_metadata=False
    )
    levels = [
        zarr.open_array(path / dataset.path, mode="r+") for dataset in scales.metadata.datasets
    ]
    write = ZarrPlanes(path, scales.metadata.datasets[0].path)
    yield write
    if write.rows != (expected := math.prod(new.shape[:-1])):
        raise ValueError(f"{write.rows} of {expected} rows were written")
    leading = new.shape[:-2]
    for larger, smaller in pairwise(levels):
        for index in np.ndindex(*leading):
            _halve(larger, smaller, index)
    _state_channels(zarr.open_group(path, mode="r+"), new, levels[-1], version)


class ZarrPlanes:
    """Writes the planes of an image; copies in other processes write into the same image.

    A chunk is a part of one plane, so that those who write different planes share none.

    Attributes
    ----------
    rows
        How many rows were written, by this object or as told to `count`.
    """

    def __init__(self, image: Path, level: str) -> None:
        self.image, self.level = image.absolute(), level
        self.rows = 0
        self._pixels: Any = None

    def __reduce__(self) -> tuple[type[ZarrPlanes], tuple[Path, str]]:
        """Copy where the image is, not what was written."""
        return ZarrPlanes, (self.image, self.level)

    def __call__(self, rows: Array, plane: int, first_row: int = 0) -> None:
        """Write a plane, or some of its rows; see `PlaneWriter`.

        Raises
        ------
        DeepZError
            If the image is not there: another computer may not see its folder, and after an
            interruption it is removed.
        """
        if not (self.image / self.level).is_dir():
            raise DeepZError(f"{self.image}: no such folder on {platform.node()}")
        if self._pixels is None:
            _, zarr = load_libraries(self.image)
            self._pixels = zarr.open_array(self.image / self.level, mode="r+")
        leading = self._pixels.shape[:-2]
        index = tuple(map(int, np.unravel_index(plane, leading))) if leading else ()
        place = (*index, slice(first_row, first_row + len(rows)))
        self._pixels[place] = rows
        self.count(len(rows))

    def count(self, rows: int) -> None:
        """Hear of rows that a copy wrote."""
        self.rows += rows


def _describe(ngff_zarr: Any, new: NewImage) -> Any:
    """Return the image with its calibration and the sizes of its pyramid; no pixel is made."""
    import dask.array

    calibration, dims = new.calibration, tuple(new.axes)
    z_um = calibration.z_um or (0.0,)
    stated = {
        "t": calibration.frame_interval_s,
        "z": abs(even_step(z_um) or 0.0) or None,
        "y": calibration.pixel_size_um,
        "x": calibration.pixel_size_um,
    }
    chunks = {dim: _CHUNK_PX if dim in "yx" else 1 for dim in dims}
    dtype = new.dtype if new.dtype.kind in "iu" else np.dtype(np.float32)
    image = ngff_zarr.NgffImage(
        dask.array.zeros(new.shape, dtype=dtype, chunks=tuple(chunks[dim] for dim in dims)),
        dims=dims,
        scale={dim: stated.get(dim) or 1.0 for dim in dims},
        translation={dim: min(z_um) if dim == "z" else 0.0 for dim in dims},
        axes_units={dim: _UNITS[dim] for dim in dims if stated.get(dim)},
    )
    smaller = math.floor(math.log2(max(1, max(new.shape[-2:]) / _SMALLEST_PX)) + 0.999)
    fits = math.floor(math.log2(min(new.shape[-2:])))
    factors = [2 ** (k + 1) for k in range(min(smaller, fits))]
    scales = ngff_zarr.to_multiscales(
        image,
        scale_factors=[{"y": factor, "x": factor} for factor in factors],
        method=ngff_zarr.Methods.ITKWASM_BIN_SHRINK,  # the mean, as in `_halve`
        chunks=chunks,
        cache=False,
    )
    scales.metadata.type, scales.metadata.metadata = "mean", None
    scales.root_attributes = {"deepz-zoo": _other_facts(new)}
    return scales


def _other_facts(new: NewImage) -> dict[str, Any]:
    """Return what OME-Zarr has no place for."""
    facts = asdict(new.calibration)
    kept = ("z_um", "emission_um", "numerical_aperture", "immersion", "acquisition")
    return {"description": new.description} | {name: facts[name] for name in kept if facts[name]}


def _halve(larger: Any, smaller: Any, index: tuple[int, ...]) -> None:
    """Write the mean of 2×2 pixels of a plane, some rows at a time; an odd last one is left out."""
    ny, nx = smaller.shape[-2:]
    for first in range(0, ny, _CHUNK_PX):
        last = min(ny, first + _CHUNK_PX)
        source, target = (*index, slice(2 * first, 2 * last)), (*index, slice(first, last))
        rows = np.asarray(larger[source])[:, : 2 * nx]
        mean = rows.reshape(last - first, 2, nx, 2).mean((1, 3), dtype=np.float64)
        exact = smaller.dtype.kind == "f"
        smaller[target] = mean if exact else np.rint(mean)


def _state_channels(group: Any, new: NewImage, smallest: Any, version: ZarrVersion) -> None:
    """State names, colors and ranges of channels, for viewers."""
    calibration, axis = new.calibration, new.axes.find("c")
    count = 1 if axis < 0 else new.shape[axis]
    if len(calibration.channel_names) != count:
        return
    colors = calibration.colors if len(calibration.colors) == count else ("#ffffff",) * count
    channels = []
    for number, (name, color) in enumerate(zip(calibration.channel_names, colors, strict=True)):
        low, high = _range(smallest, axis, number)
        window = {"min": low, "max": high, "start": low, "end": high}
        color = (color or "#ffffff")[1:].upper()
        channels.append({"label": name, "color": color, "window": window, "active": True})
    stated = {"channels": channels}
    if version == "0.4":
        group.attrs["omero"] = stated
    else:
        group.attrs["ome"] = group.attrs["ome"] | {"omero": stated}


def _range(pixels: Any, axis: int, channel: int) -> tuple[float, float]:
    """Return the lowest and the highest value of a channel."""
    ranges = [
        (float(plane.min()), float(plane.max()))
        for index in np.ndindex(*pixels.shape[:-2])
        if axis < 0 or index[axis] == channel
        for plane in [np.asarray(pixels[index])]
    ]
    return min(low for low, _ in ranges), max(high for _, high in ranges)
