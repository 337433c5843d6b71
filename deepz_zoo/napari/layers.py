"""Layers of napari as images, and refocused images as layers in the same place."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from deepz_zoo.errors import DeepZError
from deepz_zoo.images import Array, Image
from deepz_zoo.images.image import even_step

if TYPE_CHECKING:
    import napari.layers

    from deepz_zoo.refocus import RefocusPlan

_SQUARE_TOLERANCE = 0.01


@dataclass(frozen=True)
class LayerImage:
    """What is refocused of a layer, and where it lies.

    Attributes
    ----------
    image
        One image (``yx``) or a time series (``tyx``), with its pixel size where the layer has one.
    scale, translate, units
        Those of the layer's axes that `image` has.
    um_per_unit
        Length of the unit of x in µm, None where the layer does not say.
    z
        Where the image lies along z, in the unit of x; 0 where the layer has no z axis.
    """

    image: Image
    scale: tuple[float, ...]
    translate: tuple[float, ...]
    units: tuple[Any, ...]
    um_per_unit: float | None
    z: float


def layer_image(
    layer: napari.layers.Image, point: Sequence[float], *, series: bool = False
) -> LayerImage:
    """Return the plane of a layer that is shown, or all planes of a time series.

    Parameters
    ----------
    layer
        With y and x as its last axes.
    point
        Where the viewer stands, in world coordinates.
    series
        Whether the axis before y and x is time, and all of its frames are wanted.

    Raises
    ------
    DeepZError
        When the layer shows colors, its pixels are not square, or it has no time axis.
    """
    if layer.rgb:
        raise DeepZError(f"the layer {layer.name} shows colors; expected one intensity per pixel")
    if series and layer.ndim < 3:
        raise DeepZError(f"the layer {layer.name} has no axis before y and x to be time")
    data = layer.data[0] if layer.multiscale else layer.data
    kept = 3 if series else 2
    index = _shown(layer, point, data.shape)[: data.ndim - kept]
    pixels = np.asarray(data[index])
    _check_pixels(layer.name, pixels)
    um_per_unit = _um_per_unit(layer)
    pixel_um = None if um_per_unit is None else _pixel_size(layer) * um_per_unit
    return LayerImage(
        Image(pixels, "tyx" if series else "yx", pixel_um),
        tuple(map(float, layer.scale[-kept:])),
        tuple(map(float, layer.translate[-kept:])),
        tuple(layer.units[-kept:]),
        um_per_unit,
        0.0 if series else _z(layer, index),
    )


def as_layer(data: Array, plan: RefocusPlan, source: LayerImage, name: str) -> dict[str, Any]:
    """Return the arguments with which napari adds a refocused image over its source.

    Planes have a z axis, in steps of the layer's own unit; a surface has the axes of its source.

    Parameters
    ----------
    data
        All planes of the plan, of its shape.
    plan
        What was refocused.
    source
        From where.
    name
        Of the layer.

    Raises
    ------
    DeepZError
        When the planes are not equally spaced: a layer has one step for each axis.
    """
    scale, translate, units = list(source.scale), list(source.translate), list(source.units)
    if plan.z_um is not None:
        step_um = even_step(plan.z_um)
        if len(plan.z_um) > 1 and step_um is None:
            raise DeepZError(
                f"planes at {', '.join(f'{z:g}' for z in plan.z_um)} µm are not equally spaced; "
                "napari has one step for each axis: give a range such as -10:10:1"
            )
        unit_um = source.um_per_unit or plan.pixel_size_um
        scale.insert(-2, (step_um or 1.0) / unit_um)
        translate.insert(-2, source.z + plan.z_um[0] / unit_um)
        units.insert(-2, units[-1])
        *leading, ny, nx = source.image.data.shape
        data = data.reshape(*leading, len(plan.z_um), ny, nx)
    return {
        "data": data,
        "name": name,
        "scale": scale,
        "translate": translate,
        "units": units,
        "metadata": {"deepz": str(plan)},
    }


def _shown(
    layer: napari.layers.Image, point: Sequence[float], shape: tuple[int, ...]
) -> tuple[int, ...]:
    """Return the index of the pixel of a layer nearest to a point of the world."""
    place = layer.world_to_data(point)[-len(shape) :]
    return tuple(int(np.clip(round(p), 0, n - 1)) for p, n in zip(place, shape, strict=True))


def _z(layer: napari.layers.Image, index: tuple[int, ...]) -> float:
    """Return where a plane of a layer lies along the axis before y and x, in the unit of x."""
    if not index:
        return 0.0
    z, unit = layer.translate[-3] + layer.scale[-3] * index[-1], layer.units[-1]
    if not layer.units[-3].is_compatible_with(unit):  # time or channels
        return 0.0
    return float((z * layer.units[-3]).to(unit).magnitude)


def _um_per_unit(layer: napari.layers.Image) -> float | None:
    """Return the length of the unit of x; without a unit a scale other than 1 is taken for µm."""
    unit = layer.units[-1]
    if unit.is_compatible_with("meter"):
        return float((1 * unit).to("micrometer").magnitude)
    return None if _pixel_size(layer) == 1 else 1.0


def _pixel_size(layer: napari.layers.Image) -> float:
    y, x = (abs(float(scale)) for scale in layer.scale[-2:])
    if abs(x - y) > _SQUARE_TOLERANCE * x:
        raise DeepZError(f"pixels of {layer.name} are {x:g} × {y:g} (x × y); expected square ones")
    return x


def _check_pixels(name: str, pixels: Array) -> None:
    if pixels.dtype.kind not in "iuf":
        raise DeepZError(
            f"the layer {name} holds {pixels.dtype}; expected integers or floating-point numbers"
        )
    if pixels.dtype.kind == "f" and not np.isfinite(pixels).all():
        raise DeepZError(
            f"the layer {name} holds NaN or infinity; expected a number for each pixel"
        )
