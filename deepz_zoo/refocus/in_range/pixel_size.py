"""Pixels of another size than a model's."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from deepz_zoo.records.manifest import Manifest


def pixel_size_warning(pixel_size_um: float | None, manifest: Manifest) -> str | None:
    """Return a line where the pixel size is unknown, or was found to make a model fail, or None.

    Parameters
    ----------
    pixel_size_um
        Sampling of the image that the network sees, or None where it is not known.
    manifest
        What is known of the model, with its limits if they were measured.
    """
    models_um, limits = manifest.system.pixel_size_um, manifest.limits
    if pixel_size_um is None:
        return (
            f"the image does not say its pixel size; assuming the model's {models_um:g} µm (set "
            "`pixel_size_um` if it is another)"
        )
    zoom = pixel_size_um / models_um
    curve = limits.curve("pixel_size") if limits else None
    low, high = curve.usable() if curve else (None, None)
    small, large = low is not None and zoom < low, high is not None and zoom > high
    if not small and not large:
        return None
    return (
        f"the pixels are {zoom:.3g} times the model's; on simulated images it failed "
        f"{f'below {low:g}' if small else f'above {high:g}'} times, so use `resample`"
    )
