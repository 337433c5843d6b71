"""Beads before and after refocusing: an acquired stack and a virtual one, an image and its surface.

A virtual stack (Fig. 1b,c of the paper) is made of one plane of the acquired stack, at the planes
of the acquired stack that lie within the range of the model; both are measured at the beads of the
acquired one. A surface (Fig. 4e,f,k,l) is refocused from one image; beads are found in the image
and in the refocused one, each by its own threshold, as in the paper. Strongly defocused beads do
not exceed the threshold of the image; it is therefore measured at the beads of the refocused one,
too.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from deepz_zoo.dpm import Surface
from deepz_zoo.errors import DeepZError
from deepz_zoo.images import Image
from deepz_zoo.measure.beads.planes import measure_planes
from deepz_zoo.optics import ImagingSystem
from deepz_zoo.progress import Progress, no_progress
from deepz_zoo.records.beads import BeadSettings, BeadTable

ACQUIRED = {"yx": "acquired image", "zyx": "acquired stack"}
"""What a table of the file itself is called, by the axes of what was measured."""
VIRTUAL = "virtual stack"
INPUT, REFOCUSED = "input image", "refocused image"

Refocus = Callable[[Image, Surface | Sequence[float]], NDArray[np.float32]]
"""Refocuses one image (axes yx) onto a surface or planes, and returns them, shape (n, y, x)."""


def measure_image(
    image: Image, file: str, settings: BeadSettings, progress: Progress = no_progress
) -> tuple[BeadTable, ...]:
    """Measure the beads of an image (axes yx) or of a stack (zyx)."""
    return (_measure(image, file, ACQUIRED[image.axes], settings, progress),)


def compare_stacks(
    image: Image,
    file: str,
    refocus: Refocus,
    system: ImagingSystem,
    settings: BeadSettings,
    *,
    plane: int | None = None,
    progress: Progress = no_progress,
) -> tuple[BeadTable, ...]:
    """Measure the beads of a stack, and those of the virtual stack of one of its planes.

    Parameters
    ----------
    image
        A stack (axes zyx); or an image (yx), whose beads are measured in that image alone.
    file
        What it is called.
    refocus
        The model.
    system
        What the model was trained for: its axial range, and its planes for an image.
    settings
        How to find and to fit.
    plane
        Number of the plane that is refocused, from 1; by default the sharpest, see `choose_plane`.
    progress
        Called with what is being done.

    Returns
    -------
    tuple of BeadTable
        The acquired one and the virtual one; the acquired one alone where it has no beads.

    Raises
    ------
    DeepZError
        If there is no such plane.
    """
    chosen, z_um = choose_plane(image, plane)
    if image.axes == "yx":
        z_um = np.arange(-system.z_range_um, system.z_range_um + 1e-6, system.z_step_um)
        acquired, step_um = image, system.z_step_um
    else:
        within = np.flatnonzero(np.abs(z_um) <= system.z_range_um + 1e-6)
        acquired = replace(image, data=image.data[within[0] : within[-1] + 1])
        z_um, step_um = z_um[within], image.z_step_um or system.z_step_um
    own = _measure(acquired, file, ACQUIRED[acquired.axes], settings, progress)
    if not own.used:
        return (own,)
    planes = refocus(chosen, [round(float(z), 6) for z in z_um])
    virtual = replace(image, data=planes, axes="zyx", z_step_um=step_um)
    return own, _measure(virtual, file, VIRTUAL, settings, progress, own)


def compare_surface(
    image: Image,
    file: str,
    refocus: Refocus,
    surface: Surface,
    settings: BeadSettings,
    *,
    plane: int | None = None,
    progress: Progress = no_progress,
) -> tuple[BeadTable, ...]:
    """Measure the beads of an image before and after it is refocused onto a surface.

    Parameters
    ----------
    image
        An image (axes yx), or a stack (zyx) of which one plane is taken.
    surface
        Where the beads lie, at distances from that plane.
    file, refocus, settings, plane, progress
        As of `compare_stacks`.

    Returns
    -------
    tuple of BeadTable
        The image and the refocused one, each at its own beads, and the image at the beads of the
        refocused one.
    """
    chosen, _ = choose_plane(image, plane)
    refocused = replace(chosen, data=refocus(chosen, surface)[0])
    after = _measure(refocused, file, REFOCUSED, settings, progress)
    return (
        _measure(chosen, file, INPUT, settings, progress),
        after,
        _measure(chosen, file, INPUT, settings, progress, after),
    )


def choose_plane(image: Image, plane: int | None = None) -> tuple[Image, NDArray[np.float64]]:
    """Return the plane that is refocused, and the distances of all planes from it in µm.

    By default it is the plane with the highest standard deviation, by which the paper's microscope
    focused (Methods, "Fluorescence
    image acquisition").

    Raises
    ------
    DeepZError
        If there is no such plane.
    """
    planes = image.data if image.axes == "zyx" else image.data[None]
    if plane is None:
        index = int(np.argmax([each.std(dtype=np.float64) for each in planes]))
    elif 1 <= plane <= len(planes):
        index = plane - 1
    else:
        raise DeepZError(f"no plane {plane} in the image; it has {len(planes)}, counted from 1")
    chosen = replace(image, data=planes[index], axes="yx", z_step_um=None)
    steps = np.arange(len(planes), dtype=np.float64) - index
    return chosen, steps * (image.z_step_um or 0.0)


def _measure(
    image: Image,
    file: str,
    name: str,
    settings: BeadSettings,
    progress: Progress,
    beads_of: BeadTable | None = None,
) -> BeadTable:
    stack = image.axes == "zyx"
    assert image.pixel_size_um is not None
    return measure_planes(
        image.data if stack else image.data[None],
        image.pixel_size_um,
        image.z_step_um if stack else None,
        file=file,
        image=name,
        settings=settings,
        beads_of=beads_of,
        progress=progress,
    )
