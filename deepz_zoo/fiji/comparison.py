"""Prepare a stack by ImageJ's plugins and by this package, and measure how the results differ."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from deepz_zoo.fiji.gateway import ImageJ
from deepz_zoo.fiji.measured_alignment import measure_alignment
from deepz_zoo.fiji.stackreg_and_edf_by_class import (
    align_with_stackreg,
    project_with_edf,
)
from deepz_zoo.preprocess.align.stackreg import Alignment, align_stack
from deepz_zoo.preprocess.focus.edf import extended_depth_of_field, padded_shape
from deepz_zoo.progress import Progress, no_progress


@dataclass(frozen=True)
class Difference:
    """How two images of the same scene differ, in their own grey levels.

    Attributes
    ----------
    largest, mean
        Of the absolute differences.
    fraction
        Fraction of the pixels that differ.
    """

    largest: float
    mean: float
    fraction: float


@dataclass(frozen=True)
class Comparison:
    """How two preparations of a stack differ.

    Attributes
    ----------
    aligned
        The stacks after alignment.
    edf
        The extended-depth-of-field images of the stack as this package aligned it.
    edf_plugin_exact
        The same, with the fault of the plugin (see `extended_depth_of_field`) in both images.
    largest_shift_px
        The largest difference between the two movements of a plane.
    rejected_planes
        Planes, from 0, whose registration this package took for a jump; the plugin takes every one.
    """

    aligned: Difference
    edf: Difference
    edf_plugin_exact: Difference
    largest_shift_px: float
    rejected_planes: tuple[int, ...]


def compare_preparations(
    imagej: ImageJ, stack: NDArray[Any], *, progress: Progress = no_progress
) -> Comparison:
    """Align and project a stack by ImageJ's plugins and by this package.

    Parameters
    ----------
    imagej
        A running ImageJ with StackReg and Extended Depth of Field.
    stack
        Shape (nz, ny, nx).
    progress
        Called with the name of each step.

    Raises
    ------
    DeepZError
        If a plugin is missing or fails, or `stack` is not a stack.
    """
    progress("StackReg in ImageJ")
    theirs = align_with_stackreg(imagej, stack)
    progress("StackReg in Python")
    ours = align_stack(stack)
    progress("EDF in ImageJ")
    their_edf = project_with_edf(imagej, ours.stack)
    progress("EDF in Python")
    our_edf = exact_edf = extended_depth_of_field(ours.stack)
    ny, nx = padded_shape(ours.stack.shape[1:])
    if ny != nx:
        exact_edf = extended_depth_of_field(ours.stack, plugin_exact=True)
    return Comparison(
        aligned=_difference(theirs, ours.stack),
        edf=_difference(their_edf.image, our_edf.image),
        edf_plugin_exact=_difference(their_edf.image, exact_edf.image),
        largest_shift_px=_largest_shift(measure_alignment(stack, theirs), ours),
        rejected_planes=ours.rejected,
    )


def _difference(first: NDArray[Any], second: NDArray[Any]) -> Difference:
    distance = np.abs(first.astype(float) - second.astype(float))
    return Difference(float(distance.max()), float(distance.mean()), float((distance > 0).mean()))


def _largest_shift(first: Alignment, second: Alignment) -> float:
    return float(np.linalg.norm(first.shifts_px - second.shifts_px, axis=1).max())
