"""Lateral registration of two images of one field: the paper's "Cross-modality alignment"."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from deepz_zoo.errors import DeepZError
from deepz_zoo.intensities import normalize_image

TransformKind = Literal["projective", "affine", "similarity", "translation"]
FeatureKind = Literal["projective", "affine", "similarity"]
Matrix = NDArray[np.float64]

# Larger images are binned: the time for matching grows with the square of the number of features.
_FEATURE_SIDE_PX = 512
_MAX_RATIO = 0.9
_RESIDUAL_PX = 2.0
_TRIALS = 2000
# Pairs of features that determine each model; three times as many must agree with it.
_POINTS: dict[FeatureKind, int] = {"projective": 4, "affine": 3, "similarity": 2}
_AGREEING = 3
# Two cameras on one microscope differ in magnification, hardly in perspective: areas may scale
# within these limits, and by this factor more at one corner of the image than at another.
_AREA_SCALES = (0.25, 4.0)
_AREA_VARIATION = 1.1
_MIN_OVERLAP = 0.25
_MIN_PX = 32
_SHIFTS_PER_PX = 20


@dataclass(frozen=True, eq=False)
class Registration:
    """The position of each pixel of a fixed image in a moving one.

    Attributes
    ----------
    matrix
        Maps (x, y, 1) of the fixed image to the moving one, shape (3, 3); the inverse map of
        `skimage.transform.warp`.
    kind
        ``"projective"``, ``"affine"`` or ``"similarity"`` if the matrix comes from matched
        features, ``"translation"`` if it comes from phase correlation.
    inliers
        Pairs of features that agree with the matrix; 0 for a translation.
    agreeing
        The most pairs of features that agreed with a plausible transformation, which may not be
        the one that was taken; 0 where too few did.
    shift_px
        (y, x) by which the moving image is moved: c − M c for the center c of the fixed image.
    """

    matrix: Matrix
    kind: TransformKind
    inliers: int
    shift_px: tuple[float, float]
    agreeing: int = 0


def register_lateral(
    moving: NDArray[Any],
    fixed: NDArray[Any],
    *,
    kinds: Sequence[FeatureKind] = ("projective", "similarity"),
    seed: int = 0,
) -> Registration:
    """Find the transformation from one extended-depth-of-field image to another.

    "The stitched wide-field and confocal EDF images were then co-registered using a feature-based
    registration with projective transformation performed in Matlab. […] The same feature-based
    registration was applied on each pair of cropped regions for fine alignment." Here the
    features are SIFT's, and RANSAC chooses among their matches.

    A single cell has too few features for the eight parameters of a projective transformation. It
    is taken only if twelve pairs of features agree with it, if it scales areas by the same factor
    throughout (within 10 %), and if it makes the images at least as similar as a translation does.
    Otherwise a similarity (rotation, scale and shift) is taken under the same conditions, but with
    six pairs, and otherwise the translation from phase correlation, or none if that makes the
    images less similar.

    Parameters
    ----------
    moving, fixed
        Images of shape (ny, nx), not necessarily the same, at least 32 px wide and high, in
        any intensity unit; each is normalized by itself.
    kinds
        Transformations that may come from features, in the order in which they are tried.
    seed
        Seed of RANSAC.

    Raises
    ------
    DeepZError
        If an image is not two-dimensional, too small, without contrast, or holds NaN or
        infinity.
    """
    moving, fixed = _prepared(moving, "moving"), _prepared(fixed, "fixed")
    unmoved = _registration(np.eye(3), "translation", 0, fixed.shape)
    moved = _by_phase_correlation(moving, fixed)
    best = max(_similarity(unmoved, moving, fixed), _similarity(moved, moving, fixed))
    agreeing = 0
    for found in _by_features(moving, fixed, kinds, seed):
        if not _is_plausible(found.matrix, fixed.shape):
            continue
        agreeing = max(agreeing, found.inliers)
        if _similarity(found, moving, fixed) >= best:
            return replace(found, agreeing=agreeing)
    taken = moved if _similarity(moved, moving, fixed) == best else unmoved
    return replace(taken, agreeing=agreeing)


def warp_stack(
    stack: NDArray[Any], registration: Registration, shape: tuple[int, int]
) -> NDArray[Any]:
    """Warp a moving stack to the fixed one, by bicubic interpolation plane by plane.

    "The stitched confocal EDF images as well as the stitched stacks were warped using this
    estimated transformation to match their wide-field counterparts."

    Parameters
    ----------
    stack
        Shape (nz, ny, nx) or one image (ny, nx), of the size of the moving image.
    registration
        From `register_lateral`.
    shape
        Rows and columns of the fixed image.

    Returns
    -------
    ndarray, shape (nz, *shape) or `shape`
        In the type of the stack and within the range of each plane; 0 outside of the `overlap`.
    """
    from skimage.transform import warp

    if stack.ndim not in (2, 3):
        raise DeepZError(f"stack of shape {stack.shape}; expected (planes, rows, columns)")
    present = overlap(registration, shape, (stack.shape[-2], stack.shape[-1]))
    warped = np.zeros((*stack.shape[:-2], *shape), dtype=stack.dtype)
    for index in np.ndindex(stack.shape[:-2]):
        plane = warp(
            stack[index].astype(np.float64),
            registration.matrix,
            output_shape=shape,
            order=3,
            mode="edge",  # interpolation takes a pixel beyond those present
        )
        if stack.dtype.kind in "iu":
            plane = np.rint(plane)
        warped[index][present] = plane[present].astype(stack.dtype)
    return warped


def overlap(
    registration: Registration,
    shape: tuple[int, int],
    moving_shape: tuple[int, int] | None = None,
) -> NDArray[np.bool_]:
    """Return the pixels of the fixed image that the moving one covers.

    "The non-overlapping regions of the wide-field and warped confocal images were subsequently
    deleted."

    Parameters
    ----------
    registration
        From `register_lateral`.
    shape
        Rows and columns of the fixed image.
    moving_shape
        Rows and columns of the moving image; those of the fixed one by default.
    """
    ny, nx = moving_shape or shape
    y, x = np.indices(shape, dtype=np.float64)
    to_x, to_y, w = np.einsum("ij,jyx->iyx", registration.matrix, np.stack([x, y, np.ones(shape)]))
    in_front = w > 0
    w = np.where(in_front, w, 1.0)
    to_x, to_y, rim = to_x / w, to_y / w, 1e-6
    inside = (to_x >= -rim) & (to_x <= nx - 1 + rim) & (to_y >= -rim) & (to_y <= ny - 1 + rim)
    return np.asarray(in_front & inside)


def _prepared(image: NDArray[Any], name: str) -> NDArray[np.float64]:
    if image.ndim != 2 or min(image.shape) < _MIN_PX:
        raise DeepZError(
            f"{name} image of shape {image.shape}; registration needs rows and columns, "
            f"{_MIN_PX} px or more per side"
        )
    prepared = normalize_image(image).astype(np.float64).clip(0, 1)
    if np.ptp(prepared) == 0:
        raise DeepZError(f"{name} image without contrast; there is nothing to register")
    return prepared


def _registration(
    matrix: Matrix, kind: TransformKind, inliers: int, shape: tuple[int, ...]
) -> Registration:
    center = np.array([(shape[1] - 1) / 2, (shape[0] - 1) / 2, 1.0])
    x, y, w = matrix @ center
    shift_px = float(center[1] - y / w), float(center[0] - x / w)
    return Registration(matrix, kind, inliers, shift_px)


def _by_phase_correlation(moving: NDArray[Any], fixed: NDArray[Any]) -> Registration:
    from skimage.registration import phase_cross_correlation

    shape = np.maximum(moving.shape, fixed.shape)
    padded = [
        np.pad(image, [(0, more) for more in shape - image.shape]) for image in (fixed, moving)
    ]
    (y, x), *_ = phase_cross_correlation(*padded, upsample_factor=_SHIFTS_PER_PX)
    matrix = np.array([[1.0, 0.0, -x], [0.0, 1.0, -y], [0.0, 0.0, 1.0]])
    return _registration(matrix, "translation", 0, fixed.shape)


def _by_features(
    moving: NDArray[Any], fixed: NDArray[Any], kinds: Sequence[FeatureKind], seed: int
) -> Iterator[Registration]:
    """Yield the transformations of these kinds from matched features."""
    from skimage.measure import ransac
    from skimage.transform import AffineTransform, ProjectiveTransform, SimilarityTransform

    models = {
        "projective": ProjectiveTransform,
        "affine": AffineTransform,
        "similarity": SimilarityTransform,
    }
    binning = -(-max(*moving.shape, *fixed.shape) // _FEATURE_SIDE_PX)
    pairs = _matches(fixed, moving, binning)
    for kind in kinds:
        points = _POINTS[kind]
        if len(pairs[0]) < _AGREEING * points:
            continue
        model, agreeing = ransac(
            pairs,
            models[kind],
            min_samples=points,
            residual_threshold=_RESIDUAL_PX * binning,
            max_trials=_TRIALS,
            rng=seed,
        )
        inliers = 0 if agreeing is None else int(agreeing.sum())
        if inliers >= _AGREEING * points:
            matrix = np.asarray(model.params, dtype=np.float64)
            yield _registration(matrix, kind, inliers, fixed.shape)


def _matches(
    fixed: NDArray[Any], moving: NDArray[Any], binning: int
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return (x, y) of matching features in both images, shape (n, 2) each."""
    from skimage.feature import match_descriptors

    (here, describing), (there, described) = (_features(i, binning) for i in (fixed, moving))
    if not len(here) or not len(there):
        return np.empty((0, 2)), np.empty((0, 2))
    pairs = match_descriptors(describing, described, cross_check=True, max_ratio=_MAX_RATIO)
    return here[pairs[:, 0]], there[pairs[:, 1]]


def _features(image: NDArray[Any], binning: int) -> tuple[NDArray[np.float64], NDArray[np.generic]]:
    """Return (x, y) of the features of an image and their descriptors."""
    from skimage.feature import SIFT
    from skimage.transform import downscale_local_mean

    detector = SIFT()
    try:
        detector.detect_and_extract(downscale_local_mean(image, binning))
    except RuntimeError:  # SIFT found no features
        return np.empty((0, 2)), np.empty((0, 0))
    positions, descriptors = np.asarray(detector.positions), np.asarray(detector.descriptors)
    return positions[:, ::-1] * binning + (binning - 1) / 2, descriptors


def _is_plausible(matrix: Matrix, shape: tuple[int, ...]) -> bool:
    """Tell whether a matrix scales areas equally, and not too much, all over the image."""
    ny, nx = shape
    corners = np.array([[0, nx - 1, 0, nx - 1], [0, 0, ny - 1, ny - 1], [1, 1, 1, 1]])
    # The Jacobian determinant of (x, y) → (u / w, v / w) is det M / w³.
    w = (matrix @ corners)[2]
    if not np.isfinite(matrix).all() or (w <= 0).any():
        return False
    areas = np.linalg.det(matrix) / w**3
    smallest, largest = float(areas.min()), float(areas.max())
    within = _AREA_SCALES[0] <= smallest and largest <= _AREA_SCALES[1]
    return within and largest <= _AREA_VARIATION * smallest


def _similarity(found: Registration, moving: NDArray[Any], fixed: NDArray[Any]) -> float:
    """Return the correlation of the images in their overlap, −1 if that is too small."""
    shape = (fixed.shape[0], fixed.shape[1])
    present = overlap(found, shape, (moving.shape[0], moving.shape[1]))
    one, other = fixed[present], warp_stack(moving, found, shape)[present]
    if present.mean() < _MIN_OVERLAP or np.ptp(one) == 0 or np.ptp(other) == 0:
        return -1.0
    return float(np.corrcoef(one, other)[0, 1])
