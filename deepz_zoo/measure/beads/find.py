"""Which beads of an image are measured: components above a threshold, sieved."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy.spatial import cKDTree
from skimage.measure import label, regionprops

from deepz_zoo.intensities import intensity_scale
from deepz_zoo.intensities.noise import noise_level
from deepz_zoo.measure.beads.single import CROP_PX

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

BEAD_THRESHOLD = 0.2
"""A bead is what exceeds the background by this fraction of the intensity scale."""
MIN_SIGNAL_TO_NOISE = 8.0
"""And by so many standard deviations of the noise: no pixel of pure noise does."""
MIN_AREA_PX = 2
"""Smaller components are hot pixels."""
HARMLESS_FRACTION = 0.2
"""Of the peak of a bead: dimmer neighbors leave its width alone."""


def bead_threshold(image: NDArray[np.generic], noise: float) -> float:
    """Return the grey level that beads exceed, where the user names none.

    The Methods do not say which threshold the paper took.

    Parameters
    ----------
    image : ndarray, shape (ny, nx)
        Image of beads, or the brightest values of a stack along z.
    noise : float
        Standard deviation of the noise of a plane.
    """
    scale = intensity_scale(image)
    return scale.background + max(BEAD_THRESHOLD * scale.scale, MIN_SIGNAL_TO_NOISE * noise)


def plane_noise(planes: NDArray[np.generic]) -> float:
    """Return the standard deviation of the noise in the middle plane of a stack (nz, ny, nx)."""
    return noise_level(planes[len(planes) // 2])


def find_components(
    image: NDArray[np.generic], threshold: float, *, min_area_px: int = MIN_AREA_PX
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the centroids and the brightest values of the connected components.

    Parameters
    ----------
    image, threshold, min_area_px
        As of `detect_beads`.

    Returns
    -------
    centroids : ndarray, shape (n, 2)
        As y, x in pixels.
    peaks : ndarray, shape (n,)
        In grey levels.
    """
    regions = [
        region
        for region in regionprops(label(np.greater(image, threshold)), image)
        if region.area >= min_area_px
    ]
    centroids = np.array([region.centroid for region in regions], dtype=np.float64)
    peaks = np.array([region.intensity_max for region in regions], dtype=np.float64)
    return centroids.reshape(-1, 2), peaks


def detect_beads(
    image: NDArray[np.generic], threshold: float, *, min_area_px: int = MIN_AREA_PX
) -> NDArray[np.float64]:
    """Return the centroids of the connected components above a threshold.

    Parameters
    ----------
    image : ndarray, shape (ny, nx)
        Image of beads.
    threshold : float
        In the unit of the image. State it with every width: it decides which beads are
        counted, and so the median width.
    min_area_px : int
        Smaller components (hot pixels) are dropped.

    Returns
    -------
    ndarray, shape (n, 2)
        Centroids as y, x in pixels.
    """
    return find_components(image, threshold, min_area_px=min_area_px)[0]


def isolated(
    positions: ArrayLike,
    shape: tuple[int, int],
    *,
    min_distance: float,
    margin: float = CROP_PX / 2,
) -> NDArray[np.intp]:
    """Return the indices of the beads that have no neighbor and lie inside the image.

    Parameters
    ----------
    positions : array_like, shape (n, 2)
        y, x of every bead, at any depth.
    shape : (int, int)
        Size of the image, in the unit of the positions.
    min_distance : float
        Lateral distance that the nearest other bead must have.
    margin : float
        Distance that the bead must have from every edge of the image.
    """
    points = np.asarray(positions, dtype=np.float64).reshape(-1, 2)
    if len(points) == 0:
        return np.zeros(0, dtype=np.intp)
    last = np.array(shape, dtype=np.float64) - 1
    inside = np.all((points >= margin) & (points <= last - margin), axis=1)
    nearest = np.full(len(points), np.inf)
    if len(points) > 1:
        # The nearest point to each bead is the bead itself, the second one its neighbor.
        nearest = cKDTree(points).query(points, k=2)[0][:, 1]
    return np.flatnonzero(inside & (nearest >= min_distance))


def crowded(
    positions: NDArray[np.float64], heights: NDArray[np.float64], min_distance: float
) -> NDArray[np.bool_]:
    """Tell which beads have a neighbor that changes their width.

    Neighbors that are much dimmer do not: the halo of a bright bead falls apart into components of
    its own, which are none.

    Parameters
    ----------
    positions : ndarray, shape (n, 2)
        y, x of every bead in pixels.
    heights : ndarray, shape (n,)
        The peak of each above the background.
    min_distance : float
        Neighbors nearer than this count, in pixels.
    """
    found = np.zeros(len(positions), dtype=bool)
    if len(positions) < 2:
        return found
    for one, other in cKDTree(positions).query_pairs(min_distance):
        found[one] |= heights[other] > HARMLESS_FRACTION * heights[one]
        found[other] |= heights[one] > HARMLESS_FRACTION * heights[other]
    return found
