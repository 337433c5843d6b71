"""Objectives, fluorescence channels and the point-spread functions that they make."""

from __future__ import annotations

from deepz_zoo.optics.catalogue import get_system, list_systems
from deepz_zoo.optics.instrument import Instrument
from deepz_zoo.optics.system import Aberrations, Channel, Confocal, ImagingSystem, Objective

__all__ = [
    "Aberrations",
    "Channel",
    "Confocal",
    "ImagingSystem",
    "Instrument",
    "Objective",
    "get_system",
    "list_systems",
]
