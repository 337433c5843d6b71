"""Cut a field of view into regions and choose the planes of each, for pairs from one stack."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import uniform_filter

from deepz_zoo.intensities import intensity_scale
from deepz_zoo.intensities.noise import noise_level
from deepz_zoo.preprocess.focus.projection import AlignedStack
from deepz_zoo.preprocess.regions.cover import cover_mask
from deepz_zoo.preprocess.regions.mask import foreground_mask
from deepz_zoo.preprocess.regions.pairs import contrast_curve, middle_plane, plane_range
from deepz_zoo.records.dataset import MIN_PLANES, PreparationSettings, Region, Rejection, Role

_MIN_SIGNAL_TO_NOISE = 3.0
_SPOT_PX = 3


def find_foreground(field: AlignedStack, settings: PreparationSettings) -> NDArray[np.bool_]:
    """Return the foreground mask of a field of view, shape (ny, nx)."""
    normalized = field.scale.apply(field.edf)
    return foreground_mask(normalized, low=settings.mask_low, high=settings.mask_high)


def cut_regions(
    field: AlignedStack,
    mask: NDArray[np.bool_],
    *,
    field_index: int,
    role: Role,
    z_step_um: float,
    settings: PreparationSettings,
) -> tuple[list[Region], list[Rejection]]:
    """Cover a mask with regions and choose the planes of each.

    Parameters
    ----------
    field, mask
        The stack and its foreground.
    field_index, role
        Recorded in the regions.
    z_step_um
        Distance between planes.
    settings
        Size and overlap of regions, number of planes.
    """
    regions: list[Region] = []
    rejected: list[Rejection] = []
    side = settings.region_px
    for y, x in cover_mask(mask, side, overlap=settings.overlap):
        window = field.stack[:, y : y + side, x : x + side]
        contrast = contrast_curve(window)
        middle = middle_plane(contrast)
        planes, clipped = plane_range(middle, settings.planes_each_side, len(window))
        chosen = slice(planes.start, planes.stop)
        if reason := find_fault(window, middle, planes, field.scale.background):
            rejected.append(Rejection(field_of_view=field_index, y_px=y, x_px=x, reason=reason))
            continue
        z_um = positions_um(planes, z_step_um, middle * z_step_um)
        scale = (field.scale.background, field.scale.scale)
        regions.append(
            Region(
                index=len(regions),
                field_of_view=field_index,
                y_px=y,
                x_px=x,
                size_px=side,
                split=role,
                first_plane=planes.start,
                z_um=z_um,
                target_z_um=z_um,
                stack_scale=scale,
                target_scale=scale,
                single_image_scale=single_image_scales(window[chosen]),
                focus_curve=tuple(contrast[chosen].tolist()),
                target_focus_curve=tuple(contrast[chosen].tolist()),
                axial_zero_um=(middle * z_step_um, middle * z_step_um),
                clipped=clipped,
            )
        )
    return regions, rejected


def positions_um(planes: range, z_step_um: float, zero_um: float) -> tuple[float, ...]:
    """Return the positions of planes relative to `zero_um` above the first plane of the stack."""
    return tuple(round(plane * z_step_um - zero_um, 9) + 0.0 for plane in planes)


def single_image_scales(planes: NDArray[Any]) -> tuple[tuple[float, float], ...]:
    """Return background and scale of each plane of (nz, ny, nx) by itself."""
    scales = (intensity_scale(plane) for plane in planes)
    return tuple((scale.background, scale.scale) for scale in scales)


def find_fault(window: NDArray[Any], middle: int, planes: range, background: float) -> str | None:
    """Return why a region cannot be used, or None.

    A region has contrast if the brightest spot of 3 × 3 pixels in its middle plane is higher above
    the background than three times the noise of single pixels. In an image of noise alone the
    ratio is about 1.5. The background is that of the stack, or the lower
    quartile of the plane where that is higher: an extended-depth-of-field image of noise collects
    extremes, and its background lies too low.

    Parameters
    ----------
    window
        All planes of the region, shape (nz, ny, nx).
    middle
        The plane in focus.
    planes
        The planes to use.
    background
        Background of the stack in grey levels.
    """
    if len(planes) < MIN_PLANES:
        return f"too few planes: {len(planes)} of the stack are in the range"
    nearest = min(max(middle, planes.start), planes.stop - 1)
    spots = uniform_filter(window[nearest].astype(np.float64), _SPOT_PX)
    height = float(spots.max() - max(background, np.percentile(spots, 25)))
    # The estimate takes structures in focus for noise; in some plane they are blurred.
    noise = min(noise_level(window[plane]) for plane in planes)
    if height <= _MIN_SIGNAL_TO_NOISE * noise:
        ratio = height / noise if noise > 0 else 0.0
        return f"no contrast: the brightest spot is {max(ratio, 0):.1f} times the noise"
    return None
