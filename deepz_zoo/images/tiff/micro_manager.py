"""What Micro-Manager states of an image in the TIFF files of its folders."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from deepz_zoo.images.units import positive


def micro_manager_calibration(metadata: Mapping[str, Any]) -> dict[str, Any]:
    """Return the calibration of a plane as keywords of `Image`.

    Parameters
    ----------
    metadata
        What Micro-Manager writes beside a plane (tag 51123, JSON). Version 2 keeps a value as it
        is, version 1 keeps some as text.
    """
    z_um, channel = metadata.get("ZPositionUm"), str(metadata.get("Channel", ""))
    return {
        "pixel_size_um": positive(metadata.get("PixelSizeUm")),  # 0 where it is not calibrated
        "z_origin_um": float(z_um) if isinstance(z_um, int | float) else 0.0,
        "channel_names": (channel,) if channel else (),
    }
