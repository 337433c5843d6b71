"""Sample images of napari's menu: simulated, calibrated, out of focus in part."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from deepz_zoo.optics import get_system

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from deepz_zoo.optics import ImagingSystem

LayerData = tuple[Any, dict[str, Any], str]
"""Data, properties and kind of a layer, as napari takes them."""

_WORM_SHAPE = (256, 384)


def beads() -> list[LayerData]:
    """Return the example of the model for beads."""
    from deepz_zoo.zoo.examples import make_example

    system = get_system("olympus20x_0.75/TxRd-beads")
    return [_layer(make_example(system).image, system, "beads")]


def worm() -> list[LayerData]:
    """Return one plane of the simulated neurons of a worm; it takes some seconds."""
    from deepz_zoo.simulate import simulate_stack

    system = get_system("leica20x_0.8/TxRd")
    stack = simulate_stack(system, "neurons", seed=2, shape=_WORM_SHAPE, noise="low")
    return [_layer(stack.camera[len(stack.z_um) // 2], system, "worm")]


def _layer(plane: NDArray[Any], system: ImagingSystem, name: str) -> LayerData:
    pixel_um = system.pixel_size_um
    properties = {
        "name": f"{name} (simulated)",
        "scale": (pixel_um, pixel_um),
        "units": "um",
        "contrast_limits": (float(np.percentile(plane, 1)), float(np.percentile(plane, 99.9))),
    }
    return plane, properties, "image"
