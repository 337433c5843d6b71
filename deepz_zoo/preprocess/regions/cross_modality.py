"""Pairs for Deep-Z+: inputs are wide-field planes, targets are planes of another modality.

"Cross-modality alignment of wide-field and confocal fluorescence images" of the paper's Methods.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from deepz_zoo.errors import DeepZError
from deepz_zoo.intensities import IntensityScale
from deepz_zoo.preprocess.align.borders import covered_window
from deepz_zoo.preprocess.align.registration import (
    Registration,
    overlap,
    register_lateral,
    warp_stack,
)
from deepz_zoo.preprocess.focus.curve import axial_zero_um, focus_curve
from deepz_zoo.preprocess.focus.projection import AlignedStack
from deepz_zoo.preprocess.regions.cover import Corner, cover_mask
from deepz_zoo.preprocess.regions.cut import find_fault, positions_um, single_image_scales
from deepz_zoo.preprocess.regions.pairs import plane_range
from deepz_zoo.records.dataset import PreparationSettings, Region, Rejection, Role

_CONTEXT_PX = 16
"""Largest plausible fine shift of a region's target, and the margin that is warped with it."""


@dataclass(frozen=True, eq=False)
class PairedField:
    """A wide-field stack and a stack of another modality on the same pixels.

    Attributes
    ----------
    field
        The wide-field stack, cut to the area of both stacks.
    target_stack, target_edf
        The other stack (nz, ny, nx) and its extended-depth-of-field image (ny, nx), warped onto the
        wide-field image.
    target_scale
        Intensity scale of the other stack.
    registration
        Its lateral registration.
    shift_px
        (y, x) by which it was moved, between the acquired pixels of both stacks, whatever borders
        their alignment cut off.
    """

    field: AlignedStack
    target_stack: NDArray[Any]
    target_edf: NDArray[Any]
    target_scale: IntensityScale
    registration: Registration
    shift_px: tuple[float, float]

    def describe(self) -> str:
        """Describe the registration in a few words."""
        (y, x), found = self.shift_px, self.registration
        features = f" by {found.inliers} features" if found.inliers else " by phase correlation"
        return f"{found.kind}{features}, shift {y:+.2f}, {x:+.2f} px (y, x)"


def pair_stacks(field: AlignedStack, target: AlignedStack, *, min_px: int) -> PairedField:
    """Register the stack of another modality laterally to a wide-field stack.

    "The stitched wide-field and confocal EDF images were then co-registered using a feature-based
    registration with projective transformation …. Then the stitched confocal EDF images as well as
    the stitched stacks were warped using this estimated transformation to match their wide-field
    counterparts. The non-overlapping regions of the wide-field and warped confocal images were
    subsequently deleted." Here every field of view is registered by itself, without stitching.

    Parameters
    ----------
    field, target
        Wide-field stack and stack of the other modality, each already aligned.
    min_px
        Side of a region.

    Raises
    ------
    DeepZError
        If the images cannot be registered, or their overlap is smaller than a region.
    """
    registration = register_lateral(target.edf, field.edf)
    ny, nx = field.edf.shape
    covered = overlap(registration, (ny, nx), (target.edf.shape[0], target.edf.shape[1]))
    rows, columns = covered_window(covered, 1)
    common = (rows.stop - rows.start, columns.stop - columns.start)
    if min(common) < min_px:
        raise DeepZError(
            f"the two images overlap on {common[0]} × {common[1]} px only, a region is "
            f"{min_px} × {min_px} px"
        )
    y, x = (
        shift + ours - theirs
        for shift, ours, theirs in zip(
            registration.shift_px, field.origin_px, target.origin_px, strict=True
        )
    )
    return PairedField(
        field=replace(
            field,
            stack=field.stack[:, rows, columns],
            edf=field.edf[rows, columns],
            height=field.height[rows, columns],
            origin_px=(field.origin_px[0] + rows.start, field.origin_px[1] + columns.start),
        ),
        target_stack=warp_stack(target.stack, registration, (ny, nx))[:, rows, columns],
        target_edf=warp_stack(target.edf, registration, (ny, nx))[rows, columns],
        target_scale=target.scale,
        registration=registration,
        shift_px=(y, x),
    )


def cut_paired_regions(
    paired: PairedField,
    mask: NDArray[np.bool_],
    *,
    field_index: int,
    role: Role,
    z_step_um: float,
    target_z_step_um: float,
    settings: PreparationSettings,
) -> tuple[list[Region], list[Rejection], dict[Corner, NDArray[Any]]]:
    """Cover a mask with regions and match the targets of each, laterally and axially.

    Parameters
    ----------
    paired, mask
        The two stacks and the wide-field foreground.
    field_index, role
        Recorded in the regions.
    z_step_um, target_z_step_um
        Distance between planes of each stack.
    settings
        Size and overlap of regions, number of planes.

    Returns
    -------
    regions, rejected, targets
        The targets by the corner of their region, shape (nz, side, side).
    """
    regions: list[Region] = []
    rejected: list[Rejection] = []
    targets: dict[Corner, NDArray[Any]] = {}
    for corner in cover_mask(mask, settings.region_px, overlap=settings.overlap):
        try:
            region, planes = _match_region(paired, corner, z_step_um, target_z_step_um, settings)
        except DeepZError as error:
            rejected.append(
                Rejection(
                    field_of_view=field_index, y_px=corner[0], x_px=corner[1], reason=str(error)
                )
            )
            continue
        update = {"index": len(regions), "field_of_view": field_index, "split": role}
        regions.append(region.model_copy(update=update))
        targets[corner] = planes
    return regions, rejected, targets


def _match_region(
    paired: PairedField,
    corner: Corner,
    z_step_um: float,
    target_z_step_um: float,
    settings: PreparationSettings,
) -> tuple[Region, NDArray[Any]]:
    """Return a region and its targets, or raise a `DeepZError` with the reason against it."""
    side, (y, x) = settings.region_px, corner
    rows, columns = slice(y, y + side), slice(x, x + side)
    field = paired.field
    window, edf = field.stack[:, rows, columns], field.edf[rows, columns]
    targets, target_edf, shift_px = _register_region(paired, corner, side)
    curve, zero_um = _focus(window, edf, z_step_um)
    target_curve, target_zero_um = _focus(targets, target_edf, target_z_step_um)
    middle = round(zero_um / z_step_um)
    planes, clipped = plane_range(middle, settings.planes_each_side, len(window))
    if reason := find_fault(window, middle, planes, field.scale.background):
        raise DeepZError(reason)
    farthest_um = settings.planes_each_side * z_step_um
    target_planes, _ = plane_range(
        round(target_zero_um / target_z_step_um),
        int(farthest_um / target_z_step_um + 1e-6),
        len(targets),
    )
    if len(target_planes) < settings.targets:
        raise DeepZError(f"too few planes: {len(target_planes)} of the target are in the range")
    chosen = slice(planes.start, planes.stop)
    target_chosen = slice(target_planes.start, target_planes.stop)
    region = Region(
        index=0,
        field_of_view=0,
        y_px=y,
        x_px=x,
        size_px=side,
        split="training",
        first_plane=planes.start,
        z_um=positions_um(planes, z_step_um, zero_um),
        target_z_um=positions_um(target_planes, target_z_step_um, target_zero_um),
        stack_scale=(field.scale.background, field.scale.scale),
        target_scale=(paired.target_scale.background, paired.target_scale.scale),
        single_image_scale=single_image_scales(window[chosen]),
        focus_curve=tuple(curve[chosen].tolist()),
        target_focus_curve=tuple(target_curve[target_chosen].tolist()),
        axial_zero_um=(zero_um, target_zero_um),
        fine_shift_px=shift_px,
        clipped=clipped,
    )
    return region, targets[target_chosen]


def _register_region(
    paired: PairedField, corner: Corner, side: int
) -> tuple[NDArray[Any], NDArray[Any], tuple[float, float]]:
    """Return a region's targets and their projection, finely registered, and their shift.

    "The same feature-based registration was applied on each pair of cropped regions for fine
    alignment."
    """
    y, x = corner
    window = (slice(y, y + side), slice(x, x + side))
    fine = register_lateral(paired.target_edf[window], paired.field.edf[window])
    if (farthest := _farthest_move(fine, side)) > _CONTEXT_PX:
        raise DeepZError(
            f"target moved too far: by {farthest:.1f} px at a corner of the region; {_CONTEXT_PX} "
            "are plausible after the registration of the field"
        )
    # The registration has its origin in the corner of the region, not of its surroundings.
    there, back = np.eye(3), np.eye(3)
    there[:2, 2], back[:2, 2] = _CONTEXT_PX, -_CONTEXT_PX
    placed = replace(fine, matrix=there @ fine.matrix @ back)
    wide = side + 2 * _CONTEXT_PX
    ny, nx = paired.target_edf.shape
    outer_rows = np.clip(np.arange(y - _CONTEXT_PX, y - _CONTEXT_PX + wide), 0, ny - 1)
    outer_columns = np.clip(np.arange(x - _CONTEXT_PX, x - _CONTEXT_PX + wide), 0, nx - 1)
    inner = slice(_CONTEXT_PX, _CONTEXT_PX + side)

    def warp(stack: NDArray[Any]) -> NDArray[Any]:
        surroundings = stack[..., outer_rows[:, None], outer_columns]
        return warp_stack(surroundings, placed, (wide, wide))[..., inner, inner]

    return warp(paired.target_stack), warp(paired.target_edf), fine.shift_px


def _farthest_move(registration: Registration, side: int) -> float:
    """Return the largest shift of a corner of a region, along y or x."""
    last = side - 1
    corners = np.array([[0, 0, last, last], [0, last, 0, last], [1, 1, 1, 1]], dtype=np.float64)
    x, y, w = registration.matrix @ corners
    return float(np.abs(np.stack([x, y]) / w - corners[:2]).max())


def _focus(
    planes: NDArray[Any], edf: NDArray[Any], z_step_um: float
) -> tuple[NDArray[np.float64], float]:
    """Return the focus curve of a region, and its axial zero above the first plane."""
    curve = focus_curve(planes, edf)
    return curve, axial_zero_um(curve, np.arange(len(planes)) * z_step_um)
