"""The intensity scale and the noise of camera images, as the paper and the plugin define them."""

from __future__ import annotations

from deepz_zoo.intensities.normalization import (
    IntensityScale,
    intensity_scale,
    normalize_image,
    normalize_stack,
)

__all__ = ["IntensityScale", "intensity_scale", "normalize_image", "normalize_stack"]
