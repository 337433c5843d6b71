"""Videos of blobs that move and change their brightness, all of it known."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from skimage.transform import AffineTransform, warp

from deepz_zoo.images import Image

SHAPE = (112, 144)
PIXEL_UM = 0.325


@dataclass(frozen=True, eq=False)
class Video:
    """What was planted.

    Attributes
    ----------
    image
        Axes ``tcyx``: activity, then nuclei.
    places
        y, x of each blob in pixels of the first frame.
    activity
        Of each blob in each frame, shape (blobs, frames); around 1.
    clusters
        Number of each blob's time course.
    motions
        Of each frame: maps (x, y, 1) of the first frame to it.
    """

    image: Image
    places: NDArray[np.float64]
    activity: NDArray[np.float64]
    clusters: NDArray[np.intp]
    motions: list[NDArray[np.float64]]


def blobs(places: NDArray[np.float64], brightness: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return an image of Gaussian blobs."""
    y, x = np.ogrid[: SHAPE[0], : SHAPE[1]]
    spots = (
        bright * np.exp(-((y - at_y) ** 2 + (x - at_x) ** 2) / (2 * 2.5**2))
        for (at_y, at_x), bright in zip(places, brightness, strict=True)
    )
    return np.sum(list(spots), axis=0)


def worm_video(frames: int = 8, *, moving: bool = True, seed: int = 0) -> Video:
    """Return a video of 24 blobs in three clusters, under Poisson noise."""
    random = np.random.default_rng(seed)
    rows, columns = np.meshgrid(np.arange(14, 100, 24), np.arange(16, 136, 20), indexing="ij")
    places = np.stack([rows.ravel(), columns.ravel()], axis=1) + random.uniform(-4, 4, (24, 2))
    time = np.linspace(0, 2 * np.pi, frames)
    courses = np.array([np.sin(time), np.cos(time), np.sign(np.sin(2 * time + 0.1))])
    clusters = np.arange(24) % 3
    activity = 1 + 0.5 * courses[clusters]
    brightness = random.uniform(0.8, 1.4, 24)
    data = np.empty((frames, 2, *SHAPE), np.uint16)
    motions = []
    for frame in range(frames):
        step = frame if moving else 0
        motion = AffineTransform(
            scale=(1 + 0.002 * step, 1 - 0.001 * step),
            rotation=0.003 * step,
            translation=(0.6 * step, -0.4 * step),
        )
        motions.append(np.asarray(motion.params))
        for channel, bright in enumerate((brightness * activity[:, frame], brightness)):
            moved = warp(blobs(places, bright), motion.inverse, order=3, mode="constant")
            data[frame, channel] = random.poisson(100 + 800 * np.maximum(moved, 0))
    image = Image(
        data,
        "tcyx",
        PIXEL_UM,
        channel_names=("FITC", "TxRd"),
        frame_interval_s=0.28,
    )
    return Video(image, places, activity, clusters, motions)


def same_partition(one: NDArray[np.intp], other: NDArray[np.intp]) -> bool:
    """Tell whether two clusterings differ in the names of their clusters only (ARI of 1)."""
    from scipy.stats.contingency import crosstab

    counts = np.asarray(crosstab(one, other).count) > 0
    return bool((counts.sum(axis=0) == 1).all() and (counts.sum(axis=1) == 1).all())
