"""Whether an image lies inside what a model was trained on."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from deepz_zoo.refocus.in_range.camera_image import camera_image_warnings
from deepz_zoo.refocus.in_range.optics import optics_warnings
from deepz_zoo.refocus.in_range.pixel_size import pixel_size_warning

if TYPE_CHECKING:
    from deepz_zoo.images import Image
    from deepz_zoo.records.manifest import Manifest


def image_warnings(
    image: Image[Any],
    manifest: Manifest,
    *,
    pixel_size_um: float | None = None,
    resampled: bool = False,
) -> tuple[str, ...]:
    """Return a line for each thing in which an image is not as a model needs it.

    Parameters
    ----------
    image
        One image or a time series (axes ``yx`` or ``tyx``) of one channel, as `select_frames`
        returns it. Of a time series the first frame is measured.
    manifest
        What is known of the model.
    pixel_size_um
        Sampling of the image, where its own is missing or wrong.
    resampled
        Whether the image is brought to the model's pixel size before the network sees it.

    Returns
    -------
    tuple of str
        Empty for an image with nothing to remark.
    """
    pixel_um = image.pixel_size_um if pixel_size_um is None else pixel_size_um
    sampling = None if resampled else pixel_size_warning(pixel_um, manifest)
    return (
        *image.warnings,
        *([] if sampling is None else [sampling]),
        *optics_warnings(image, manifest.system),
        *camera_image_warnings(image.plane(0), manifest.limits),
    )
