"""The first steps for a stack: alignment, projection, and the scale of its intensities."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from deepz_zoo.intensities import IntensityScale, intensity_scale
from deepz_zoo.preprocess.align.borders import covered_window, fill_borders
from deepz_zoo.preprocess.align.stackreg import Alignment, align_stack
from deepz_zoo.preprocess.focus.edf import ExtendedDepthOfField, extended_depth_of_field
from deepz_zoo.records.dataset import Align, Edf


@dataclass(frozen=True)
class Steps:
    """The functions that align and project a stack of shape (nz, ny, nx).

    Where the settings of a preparation say ``fiji``, the caller passes those that run there.
    """

    align: Callable[[NDArray[Any]], Alignment] = align_stack
    project: Callable[[NDArray[Any]], ExtendedDepthOfField] = extended_depth_of_field


OWN_STEPS = Steps()


def project_by(edf: Edf) -> Callable[[NDArray[Any]], ExtendedDepthOfField]:
    """Return what projects a stack by the settings of a preparation, if this package does it."""
    return partial(extended_depth_of_field, plugin_exact=edf == "plugin-exact")


@dataclass(frozen=True, eq=False)
class AlignedStack:
    """An aligned stack with its projection.

    Attributes
    ----------
    stack
        Aligned planes, shape (nz, ny, nx), in the type of the input.
    edf, height
        Extended-depth-of-field image, and the index of the plane of each of its pixels, shape
        (ny, nx).
    scale
        Background and scale of the extended-depth-of-field image.
    origin_px
        (y, x) of the first pixel in the acquired stack.
    shifts_px, angles_deg
        (y, x) shift and rotation that aligned each plane, shapes (nz, 2) and (nz,).
    rejected_planes
        Planes whose alignment was rejected as a jump.
    """

    stack: NDArray[Any]
    edf: NDArray[Any]
    height: NDArray[Any]
    scale: IntensityScale
    origin_px: tuple[int, int]
    shifts_px: NDArray[np.float64]
    angles_deg: NDArray[np.float64]
    rejected_planes: tuple[int, ...]


def align_and_project(
    stack: NDArray[Any], align: Align, *, min_px: int, steps: Steps = OWN_STEPS
) -> AlignedStack:
    """Align a stack, make its extended-depth-of-field image and find the scale of that image.

    "Each captured image stack was first axially aligned …. Then an extended depth of field (EDF)
    image was generated …. This EDF image was used as a reference image to normalize the whole image
    stack" (Methods, "Image pre-processing and training data preparation").

    Borders that some plane does not cover after alignment are cut off as long as `min_px` rows and
    columns remain; borders that cannot be cut are filled with the outermost pixels of the plane.

    Parameters
    ----------
    stack
        Shape (nz, ny, nx).
    align
        ``"none"`` for a stack that is already aligned.
    min_px
        Side of a region.
    steps
        Functions that align and project.
    """
    nz = len(stack)
    origin_px = (0, 0)
    shifts_px, angles_deg = np.zeros((nz, 2)), np.zeros(nz)
    rejected: tuple[int, ...] = ()
    if align != "none":
        alignment = steps.align(stack)
        shifts_px, angles_deg = alignment.shifts_px, alignment.angles_deg
        rejected = alignment.rejected
        filled, covered = fill_borders(alignment.stack, stack, alignment.matrices)
        rows, columns = covered_window(covered, min_px)
        stack, origin_px = filled[:, rows, columns], (rows.start, columns.start)
    projection = steps.project(stack)
    return AlignedStack(
        stack=stack,
        edf=projection.image,
        height=projection.height,
        scale=intensity_scale(projection.image),
        origin_px=origin_px,
        shifts_px=shifts_px,
        angles_deg=angles_deg,
        rejected_planes=rejected,
    )
