"""Bring an image to the pixel size that a model was trained with, and back."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from deepz_zoo.errors import DeepZError
from deepz_zoo.images.image import Shape
from deepz_zoo.memory import refuse_too_large

Mismatch = Literal["refuse", "resample", "ignore"]

TOLERANCE = 0.03
_RESAMPLED_BYTES_PER_PIXEL = 16  # in double precision, and the result
_CUBIC, _LINEAR = 3, 1


@dataclass(frozen=True)
class Sampling:
    """The grid of an image and the grid on which the network sees it.

    Both cover the same field of view, from outer edge to outer edge.
    """

    image_shape: Shape
    model_shape: Shape

    @property
    def resamples(self) -> bool:
        """Whether the two grids differ."""
        return self.image_shape != self.model_shape

    def to_model(self, image: NDArray[Any]) -> NDArray[Any]:
        """Resample a camera image; integers stay integers, for the triangle threshold."""
        if not self.resamples:
            return image
        resampled = _resize(image, self.model_shape, _CUBIC)
        return np.rint(resampled) if image.dtype.kind in "iu" else resampled

    def dpm_to_model(self, dpm: NDArray[np.float32]) -> NDArray[np.float32]:
        """Resample a DPM; it never leaves its own range."""
        return _resize(dpm, self.model_shape, _LINEAR) if self.resamples else dpm

    def from_model(self, refocused: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return a refocused image to the grid of the camera image."""
        return _resize(refocused, self.image_shape, _CUBIC) if self.resamples else refocused


def find_sampling(
    shape: Shape, pixel_size_um: float, model_pixel_size_um: float, mismatch: Mismatch = "refuse"
) -> Sampling:
    """Compare pixel sizes and return the grid for the network.

    Parameters
    ----------
    shape
        (y, x) of the image.
    pixel_size_um, model_pixel_size_um
        Sampling of the image, and that of the stacks that the model was trained on.
    mismatch
        What to do where they differ by more than 3 %: refuse, resample the image to the model's
        pixel size (and the result back), or ignore it.

    Raises
    ------
    DeepZError
        When they differ and `mismatch` is ``"refuse"``, or too few pixels would remain.
    """
    if not pixel_size_um > 0:
        raise DeepZError(f"a pixel size of {pixel_size_um:g} µm; expected more than 0")
    zoom = pixel_size_um / model_pixel_size_um
    if abs(zoom - 1) <= TOLERANCE or mismatch == "ignore":
        return Sampling(shape, shape)
    if mismatch == "refuse":
        raise DeepZError(
            f"the image has pixels of {pixel_size_um:.4g} µm, the model's are "
            f"{model_pixel_size_um:.4g} µm: use `resample` to work at the model's pixel size, "
            "`ignore_pixel_size` to go on as it is, or correct the image's with `pixel_size_um`"
        )
    ny, nx = (max(round(n * zoom), 1) for n in shape)
    refuse_too_large(
        ny * nx * _RESAMPLED_BYTES_PER_PIXEL,
        f"an image of {ny} × {nx} px, resampled from pixels of {pixel_size_um:g} µm,",
    )
    return Sampling(shape, (ny, nx))


def _resize(image: NDArray[Any], shape: Shape, order: int) -> NDArray[np.float32]:
    from skimage.transform import resize

    shrinks = shape[0] < image.shape[0] or shape[1] < image.shape[1]
    resized = resize(  # type: ignore[no-untyped-call,unused-ignore]
        image.astype(np.float32, copy=False),
        shape,
        order=order,
        mode="edge",
        anti_aliasing=shrinks,
        preserve_range=True,
    )
    return np.asarray(resized, dtype=np.float32)
