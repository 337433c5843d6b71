"""Deep-Z virtual refocusing: a model zoo, trainer and exporter.

What a user of the library needs is imported from here, and loaded when it is used. The reference
page of the documentation lists it; what is not imported here is private and may change.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from deepz_zoo.dpm import Cylinder, HeightMap, Plane, Sinusoid, Tilt
    from deepz_zoo.errors import CheckFailed, DeepZError
    from deepz_zoo.images import Image, open_image, read_image, write_image
    from deepz_zoo.model import Model, load_model
    from deepz_zoo.zoo import list_models

__version__ = "0.1.0"

__all__ = [
    "CheckFailed",
    "Cylinder",
    "DeepZError",
    "HeightMap",
    "Image",
    "Model",
    "Plane",
    "Sinusoid",
    "Tilt",
    "__version__",
    "list_models",
    "load_model",
    "open_image",
    "read_image",
    "write_image",
]

_PLACES = {
    "CheckFailed": "errors",
    "Cylinder": "dpm",
    "DeepZError": "errors",
    "HeightMap": "dpm",
    "Image": "images",
    "Model": "model",
    "Plane": "dpm",
    "Sinusoid": "dpm",
    "Tilt": "dpm",
    "list_models": "zoo",
    "load_model": "model",
    "open_image": "images",
    "read_image": "images",
    "write_image": "images",
}


def __getattr__(name: str) -> Any:
    if name not in _PLACES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_PLACES[name]}"), name)


def __dir__() -> list[str]:
    return sorted(__all__)
