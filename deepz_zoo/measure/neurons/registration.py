"""The motion of the body between frames, and frames without it."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from deepz_zoo.errors import DeepZError
from deepz_zoo.images import Array, Image, Shape, StoredPixels
from deepz_zoo.intensities import intensity_scale
from deepz_zoo.preprocess.align.registration import (
    FeatureKind,
    Registration,
    overlap,
    register_lateral,
    warp_stack,
)
from deepz_zoo.progress import Progress, no_progress

if TYPE_CHECKING:
    from deepz_zoo.records.neurons import Motion


@dataclass(frozen=True, eq=False)
class RegisteredVideo:
    """Where each frame of a video lies, relative to the first.

    Attributes
    ----------
    registrations
        One for each frame; the first is the identity.
    found
        How each was found.
    covered
        The pixels of the first frame that every frame covers, shape (y, x).
    """

    registrations: tuple[Registration, ...]
    found: tuple[Motion, ...]
    covered: NDArray[np.bool_]

    @property
    def largest_shift_px(self) -> float:
        """By which the center of a frame is moved, at most."""
        return float(max(np.hypot(*each.shift_px) for each in self.registrations))

    @property
    def warning(self) -> str | None:
        """A line on frames that features did not register, or None where they registered all."""
        counts = Counter(self.found)
        moved, kept = counts["translation"], counts["previous"]
        if not moved + kept:
            return None
        return (
            f"too few features agree in {moved + kept} of {len(self.found)} frames: {moved} moved "
            f"by phase correlation, {kept} as the frame before; check that their neurons stay in "
            "place"
        )

    def apply(self, video: Image[Any]) -> Image[Any]:
        """Return the frames of either channel as they lie in the first one.

        A frame is warped, by bicubic interpolation, when it is read. Where it shows nothing it has
        its own background level, so that its intensity scale stays what it was.
        """
        frames, registrations = video.data, self.registrations

        def read(index: tuple[int, ...]) -> Array:
            return _moved(frames[index], registrations[index[0]])

        return replace(video, data=StoredPixels(frames.shape, frames.dtype, read))


def register_video(
    nuclei: Image[Any],
    *,
    kind: FeatureKind = "affine",
    seed: int = 0,
    progress: Progress = no_progress,
) -> RegisteredVideo:
    """Register every frame to the first one.

    "Subsequent frames were aligned using a feature-based registration toolbox with projective
    transformation in Matlab […] to correct for slight body motion of the worms."

    The print leaves open what a frame is aligned to, by which channel, and what becomes of frames
    without features. Here every frame is registered to the first one, so that errors do not add
    up, by its nuclei, which keep their brightness; the search begins where the frame before was
    found. Features are SIFT's, see `register_lateral`; where too few of them agree, or where that
    makes the images more alike, the frame is moved from there by phase correlation, or stays.

    Parameters
    ----------
    nuclei
        Video of the nuclei, axes ``tyx``, read or open.
    kind
        What features determine.
    seed
        Of RANSAC.
    progress
        Called for each frame.

    Raises
    ------
    DeepZError
        If a frame is smaller than 32 px or without contrast.
    """
    first = np.asarray(nuclei.plane(0))
    shape = (first.shape[0], first.shape[1])
    registrations = [Registration(np.eye(3), "translation", 0, (0.0, 0.0))]
    found: list[Motion] = ["reference"]
    covered = np.ones(shape, dtype=np.bool_)
    for number in range(1, nuclei.plane_count):
        before = registrations[-1]
        frame = _moved(nuclei.plane(number), before)
        try:
            change = register_lateral(frame, first, kinds=(kind,), seed=seed)
        except DeepZError as error:
            raise DeepZError(f"frame {number + 1} cannot be registered: {error}") from error
        registrations.append(_after(before, change, shape))
        found.append(_name(change))
        covered &= overlap(registrations[-1], shape)
        progress("Registering", number, nuclei.plane_count - 1)
    return RegisteredVideo(tuple(registrations), tuple(found), covered)


def _moved(frame: Array, registration: Registration) -> Array:
    if np.array_equal(registration.matrix, np.eye(3)):
        return frame
    shape: Shape = (frame.shape[0], frame.shape[1])
    moved = warp_stack(frame, registration, shape)
    background = intensity_scale(frame).background
    whole = frame.dtype.kind in "iu"
    moved[~overlap(registration, shape)] = round(background) if whole else background
    return moved


def _after(before: Registration, change: Registration, shape: Shape) -> Registration:
    """Return the registration that does the work of two."""
    matrix = before.matrix @ change.matrix
    center = np.array([(shape[1] - 1) / 2, (shape[0] - 1) / 2, 1.0])
    x, y, w = matrix @ center
    shift_px = float(center[1] - y / w), float(center[0] - x / w)
    return Registration(matrix, change.kind, change.inliers, shift_px)


def _name(change: Registration) -> Motion:
    if change.kind == "affine" or change.kind == "projective":
        return change.kind
    stays = np.array_equal(change.matrix, np.eye(3))
    if change.agreeing:
        return "unmoved" if stays else "shifted"
    return "previous" if stays else "translation"
