"""Extended depth of field: one image in focus everywhere, made from a z-stack.

B. Forster, D. Van De Ville, J. Berent, D. Sage and M. Unser, "Complex wavelets for extended
depth-of-field", Microscopy Research and Technique 65, 33 (2004): the paper's reference 46, whose
ImageJ plugin it ran. This is the plugin's best quality (4, complex wavelets), written anew from a
description of the method.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import median_filter

from deepz_zoo.errors import DeepZError
from deepz_zoo.preprocess.focus.wavelets import (
    Complex,
    Subband,
    analyze,
    max_scales,
    subbands,
    synthesize,
)
from deepz_zoo.progress import Progress, no_progress

PlaneIndices = NDArray[np.int32]

_CHECKED_SCALES = 3
_WINDOW_PX = 5


@dataclass(frozen=True, eq=False)
class ExtendedDepthOfField:
    """An image in focus everywhere, and the plane that each of its pixels comes from.

    Attributes
    ----------
    image
        Shape (ny, nx), in the type of the stack; each value is one that the stack has there.
    height
        Shape (ny, nx): index of the plane in the stack. The topology image of the ImageJ
        plugin counts from 1.
    """

    image: NDArray[Any]
    height: PlaneIndices


def extended_depth_of_field(
    stack: NDArray[Any], *, plugin_exact: bool = False, progress: Progress = no_progress
) -> ExtendedDepthOfField:
    """Fuse the planes of a z-stack into an image in focus everywhere.

    "Then an extended depth of field (EDF) image was generated using another ImageJ plugin named
    'Extended Depth of Field'." (Methods, "Image pre-processing and training data preparation")

    Every plane is transformed by complex wavelets, and each coefficient of the result is the
    largest among the planes. Neighboring choices are made to agree at the three finest
    scales, and each pixel of the synthesized image is replaced by the nearest value that the
    stack has there.

    Memory does not grow with the number of planes: they are transformed twice, once to choose
    and once to collect the chosen coefficients.

    Parameters
    ----------
    stack
        Aligned planes of any real type, shape (nz, ny, nx).
    plugin_exact
        Whether to exchange rows and columns where neighboring choices are made to agree, as the
        ImageJ plugin does. This is a fault of the plugin, which makes unrelated places agree; it
        matters where `padded_shape` is not square, and only for equality with the plugin.
    progress
        Called with the number of wavelet transforms done and their total.

    Raises
    ------
    DeepZError
        If the array is not a stack, is not of real numbers, or holds NaN or infinity.
    """
    _check(stack)
    shape = padded_shape(stack.shape[1:])
    scales = max_scales(shape)

    def transforms(passed: int) -> Iterator[tuple[int, Complex]]:
        for z, plane in enumerate(stack):
            yield z, analyze(_pad(plane, shape), scales)
            progress("projecting", passed * len(stack) + z + 1, 2 * len(stack))

    power = np.full(shape, -1.0)
    chosen = np.zeros(shape, dtype=np.int32)
    for z, coefficients in transforms(0):
        squared = coefficients.real**2 + coefficients.imag**2
        better = squared > power
        power[better] = squared[better]
        chosen[better] = z
    checked = range(1, min(scales, _CHECKED_SCALES) + 1)
    if plugin_exact:
        _make_consistent_as_the_plugin(chosen, power, checked)
    else:
        for scale in checked:
            _make_consistent(chosen, power, scale)

    fused = np.zeros(shape, dtype=np.complex128)
    for z, coefficients in transforms(1):
        from_here = chosen == z
        fused[from_here] = coefficients[from_here]
    image = synthesize(fused, scales).real[_center(stack.shape[1:], shape)]
    return _nearest_of_the_stack(image, stack)


def _check(stack: NDArray[Any]) -> None:
    if stack.ndim != 3 or stack.size == 0:
        raise DeepZError(
            f"stack of shape {stack.shape}; an extended-depth-of-field image needs "
            "(planes, rows, columns)"
        )
    if stack.dtype.kind not in "iuf":
        raise DeepZError(f"stack of type {stack.dtype}; expected integers or real numbers")
    if not all(np.isfinite(plane).all() for plane in stack):
        raise DeepZError("the stack holds NaN or infinity; expected finite grey levels")


def padded_shape(shape: tuple[int, ...]) -> tuple[int, int]:
    """Return the rows and columns of an image as it is transformed: the next powers of two."""
    ny, nx = shape
    return 1 << (ny - 1).bit_length(), 1 << (nx - 1).bit_length()


def _center(shape: tuple[int, ...], padded: tuple[int, int]) -> tuple[slice, slice]:
    """Return where an image lies in the padded one."""
    y, x = ((outer - inner) // 2 for inner, outer in zip(shape, padded, strict=True))
    return slice(y, y + shape[0]), slice(x, x + shape[1])


def _pad(plane: NDArray[Any], shape: tuple[int, int]) -> NDArray[np.float64]:
    padded = np.zeros(shape)
    padded[_center(plane.shape, shape)] = plane
    return padded


def _make_consistent(chosen: PlaneIndices, power: NDArray[np.float64], scale: int) -> None:
    """Let the details of one scale come from the same plane where most of them agree.

    First the three directions vote at each place, then each direction follows the majority of its
    5×5 neighborhood, where there is one.
    """
    bands = subbands((chosen.shape[0], chosen.shape[1]), scale)
    followed = _follow_majority(_vote(chosen, power, bands))
    for band in bands:
        chosen[band] = followed


def _make_consistent_as_the_plugin(
    chosen: PlaneIndices, power: NDArray[np.float64], scales: Sequence[int]
) -> None:
    """Do the same with rows and columns exchanged, as the ImageJ plugin does.

    It looks for the three directions where they would lie in the transposed array. Beyond the
    edges of the actual one it reads zeros and writes nothing. As the places of different scales
    overlap then, all votes come first, and the majorities after them by direction.
    """
    ny, nx = chosen.shape
    side = max(ny, nx)
    planes, strength = np.zeros((side, side), np.int32), np.zeros((side, side))
    planes[:ny, :nx], strength[:ny, :nx] = chosen, power
    bands = [subbands((nx, ny), scale) for scale in scales]

    def put(band: Subband, values: PlaneIndices) -> None:
        planes[band] = values
        planes[ny:], planes[:, nx:] = 0, 0

    for of_scale in bands:
        voted = _vote(planes, strength, of_scale)
        for band in of_scale:
            put(band, voted)
    for direction in (2, 0, 1):  # LH, HL, HH
        for of_scale in bands:
            put(of_scale[direction], _follow_majority(planes[of_scale[direction]]))
    chosen[:] = planes[:ny, :nx]


def _vote(
    chosen: PlaneIndices, power: NDArray[np.float64], bands: tuple[Subband, Subband, Subband]
) -> PlaneIndices:
    """Return the plane that two of the three directions choose, else that of the strongest."""
    hl, hh, lh = (chosen[band] for band in bands)
    strongest = np.argmax([power[band] for band in bands], axis=0)
    return np.where(
        (hl == hh) | (hl == lh),
        hl,
        np.where(hh == lh, hh, np.choose(strongest, (hl, hh, lh))),
    )


def _follow_majority(chosen: PlaneIndices) -> PlaneIndices:
    """Return the choice of more than half of the 5×5 neighborhood, or the old one."""
    # What more than half of the values agree on is their median. Borders are mirrored about the
    # outermost sample.
    common = median_filter(chosen, size=_WINDOW_PX, mode="mirror")
    around = np.pad(chosen, _WINDOW_PX // 2, mode="reflect")
    windows = np.lib.stride_tricks.sliding_window_view(around, (_WINDOW_PX, _WINDOW_PX))
    votes = np.zeros(chosen.shape, dtype=np.int32)
    for y, x in np.ndindex(_WINDOW_PX, _WINDOW_PX):
        votes += windows[..., y, x] == common
    return np.where(votes > _WINDOW_PX**2 // 2, common, chosen)


def _nearest_of_the_stack(image: NDArray[np.float64], stack: NDArray[Any]) -> ExtendedDepthOfField:
    """Return the values of the stack that are nearest to an image, the first among equals."""
    distance = np.full(image.shape, np.inf)
    nearest = np.empty(image.shape, dtype=stack.dtype)
    height = np.zeros(image.shape, dtype=np.int32)
    for z, plane in enumerate(stack):
        here = np.abs(plane - image)
        nearer = here < distance
        distance[nearer] = here[nearer]
        nearest[nearer] = plane[nearer]
        height[nearer] = z
    return ExtendedDepthOfField(nearest, height)
