"""What MetaMorph states of an image: in the UIC tags of STK files, and as XML in its TIFFs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from deepz_zoo.images.image import even_step
from deepz_zoo.images.units import in_micrometers, positive

_MILLISECONDS_A_DAY = 86_400_000


def stk_axes(metadata: Mapping[str, Any], axes: str) -> str:
    """Name the axis of planes of an STK file, where the UIC tags tell what it is.

    Parameters
    ----------
    metadata
        From `tifffile.TiffFile.stk_metadata`.
    axes
        As tifffile names them: with an i for an axis that it does not know. It calls planes a
        z-stack only if each has a distance from the one before; MetaMorph's first may have none.
    """
    distances = np.abs(np.atleast_1d(metadata.get("ZDistance", 0)))
    known = len(distances) > 1 and bool(np.all(distances[1:]))
    return axes.replace("i", "z") if known and "z" not in axes else axes


def stk_calibration(metadata: Mapping[str, Any], axes: str) -> dict[str, Any]:
    """Return the calibration of an STK file as keywords of `Image`.

    Parameters
    ----------
    metadata
        From `tifffile.TiffFile.stk_metadata`.
    axes
        From `stk_axes`.
    """
    z_um = _absolute_z_um(metadata)
    distances = np.atleast_1d(metadata.get("ZDistance", 0))[1:]
    step = even_step(z_um)
    if step is None and len(distances) and np.allclose(distances, distances[0]):
        step = positive(distances[0])  # MetaMorph counts in µm along z
    found: dict[str, Any] = {
        "pixel_size_um": None,
        "z_step_um": step if "z" in axes else None,
        "z_origin_um": z_um[0] if z_um else 0.0,
    }
    if "t" in axes:
        found["frame_interval_s"] = _interval_s(metadata)
    wavelengths = {um for um in np.atleast_1d(metadata.get("Wavelengths", ())) if um > 0}
    if len(wavelengths) == 1:
        found["emission_um"] = (float(wavelengths.pop()) / 1e3,)  # in nm
    return found


def stk_pixel_sides_um(metadata: Mapping[str, Any]) -> list[float | None]:
    """Return width and height of a pixel of an STK file in µm, None where it is uncalibrated."""
    if not metadata.get("SpatialCalibration"):
        return [None, None]
    unit = str(metadata.get("CalibrationUnits", ""))
    sides = (positive(metadata.get(name)) for name in ("XCalibration", "YCalibration"))
    return [None if side is None else in_micrometers(side, unit) for side in sides]


def _absolute_z_um(metadata: Mapping[str, Any]) -> Sequence[float]:
    valid = np.atleast_1d(metadata.get("AbsoluteZValid", 0))
    if "AbsoluteZ" not in metadata or not np.all(valid):
        return ()
    return [round(float(z), 9) for z in np.ravel(metadata["AbsoluteZ"])]


def _interval_s(metadata: Mapping[str, Any]) -> float | None:
    """Return the mean time between planes, of which some may lie after midnight."""
    times = np.atleast_1d(metadata.get("TimeCreated", ())).astype(np.int64)
    if len(times) < 2:
        return None
    steps = np.diff(times) % _MILLISECONDS_A_DAY
    return positive(float(steps.mean()) / 1e3)


def metaseries_calibration(pages: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Return the calibration of MetaMorph's TIFFs as keywords of `Image`.

    Parameters
    ----------
    pages
        The description of each plane, from `tifffile.tifffile.metaseries_description_metadata`.
    """
    planes = [page.get("PlaneInfo", {}) for page in pages]
    first = planes[0] if planes else {}
    z_um = [float(plane["z-position"]) for plane in planes if "z-position" in plane]
    emission_nm = positive(first.get("wavelength"))
    return {
        "z_step_um": even_step(z_um) if len(z_um) == len(planes) else None,
        "z_origin_um": z_um[0] if z_um else 0.0,
        "channel_names": (name,) if (name := str(first.get("_IllumSetting_", ""))) else (),
        "emission_um": () if emission_nm is None else (emission_nm / 1e3,),
        "numerical_aperture": positive(first.get("_MagNA_")),
    }


def metaseries_pixel_sides_um(page: Mapping[str, Any]) -> list[float | None]:
    """Return width and height of a pixel of MetaMorph's TIFF in µm, None if uncalibrated."""
    plane = page.get("PlaneInfo", {})
    if not plane.get("spatial-calibration-state"):
        return [None, None]
    unit = str(plane.get("spatial-calibration-units", ""))
    sides = (positive(plane.get(f"spatial-calibration-{axis}")) for axis in "xy")
    return [None if side is None else in_micrometers(side, unit) for side in sides]
