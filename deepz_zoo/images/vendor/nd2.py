"""Read Nikon ND2: one of the positions of an acquisition, by nd2."""

from __future__ import annotations

import math
import warnings
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import numpy as np

from deepz_zoo.images.image import Acquisition, Image
from deepz_zoo.images.refusals import damaged, in_colors
from deepz_zoo.images.stored import Array, Index, StoredPixels
from deepz_zoo.images.units import positive
from deepz_zoo.images.vendor.opening import (
    choose_position,
    load_library,
    refused_where_damaged,
    square_pixel_um,
)

_IMMERSIONS = {1.0: "Air", 1.333: "Water", 1.33: "Water", 1.515: "Oil", 1.518: "Oil"}
_JULIAN_DAY_OF_1970 = 2440587.5


def count_in_nd2(path: Path) -> int:
    """Return the number of positions in a Nikon file."""
    library = load_library(path, "Nikon ND2", "nd2")
    with refused_where_damaged(path), library.ND2File(path) as nd2:
        return int(nd2.sizes.get("P", 1))


@contextmanager
def open_nd2(path: Path, position: int | None) -> Iterator[Image[StoredPixels]]:
    """Open one position of a Nikon file, see `Format`."""
    library = load_library(path, "Nikon ND2", "nd2")
    with ExitStack() as files:
        with refused_where_damaged(path):
            nd2 = files.enter_context(library.ND2File(path))
            names = [f"position {n + 1}" for n in range(nd2.sizes.get("P", 1))]
            chosen = choose_position(path, position, names)
            frames = _frames(nd2, chosen)
            pixels, axes = _stored(path, nd2, frames)
            calibration = _calibration(path, nd2, frames)
        yield Image(pixels, axes, **calibration)


def _frames(nd2: Any, position: int) -> tuple[Array, str]:
    """Return the number of the frame at each place of one position, and the axes of the places."""
    loops = {name: size for name, size in nd2.sizes.items() if name not in "CYXS"}
    numbers = np.arange(math.prod(loops.values())).reshape(tuple(loops.values()))
    if "P" in loops:
        numbers = numbers.take(position, list(loops).index("P"))
    return numbers, "".join(name.lower() if name in "TZ" else "q" for name in loops if name != "P")


def _stored(path: Path, nd2: Any, frames: tuple[Array, str]) -> tuple[StoredPixels, str]:
    """Return the pixels of one position and their axes. A frame holds all channels."""
    if "S" in nd2.sizes:
        raise in_colors(path, f"axes {''.join(nd2.sizes)}")
    numbers, axes = frames
    channels, side_px = nd2.sizes.get("C", 1), (nd2.attributes.heightPx, nd2.attributes.widthPx)
    acquired, wanted = nd2.attributes.sequenceCount, int(numbers.max()) + 1

    def read(index: Index) -> Array:
        number = int(numbers[index[:-1]])
        if number >= acquired:  # the library would return zeros
            raise damaged(path, f"frame {number + 1} of {wanted} was not acquired")
        with refused_where_damaged(path):
            return np.array(nd2.read_frame(number).reshape(channels, *side_px)[index[-1]])

    stored = StoredPixels((*numbers.shape, channels, *side_px), np.dtype(nd2.dtype), read)
    return stored, f"{axes}cyx"


def _calibration(path: Path, nd2: Any, frames: tuple[Array, str]) -> dict[str, Any]:
    """Return what a file states of one position, as keywords of `Image`."""
    channels = nd2.metadata.channels or []
    if not channels:
        return {}
    volume, microscope = channels[0].volume, channels[0].microscope
    names = tuple(found.channel.name for found in channels)
    wavelengths = [positive(found.channel.emissionLambdaNm) for found in channels]
    emission_um = tuple(None if nm is None else nm / 1e3 for nm in wavelengths)
    sides = volume.axesCalibration[:2] if all(volume.axesCalibrated[:2]) else (None, None)
    step_um, origin_um = _z_um(nd2, frames)
    index = microscope.immersionRefractiveIndex
    return {
        "pixel_size_um": square_pixel_um(path, *sides),
        "z_step_um": step_um,
        "z_origin_um": origin_um,
        "channel_names": names if all(names) else (),
        "colors": tuple(found.channel.color.as_hex() for found in channels),
        "emission_um": emission_um if any(emission_um) else (),
        "frame_interval_s": _interval_s(nd2),
        "numerical_aperture": positive(microscope.objectiveNumericalAperture),
        "immersion": _IMMERSIONS.get(round(index, 3)) if index else None,
        "acquisition": _acquisition(nd2, frames),
    }


def _z_um(nd2: Any, frames: tuple[Array, str]) -> tuple[float | None, float]:
    """Return the step along z, negative where the stage went down, and the first position."""
    loop = next((found for found in nd2.experiment if found.type == "ZStackLoop"), None)
    first = _first(nd2, frames)
    z_um = 0.0 if first is None else float(first.position.stagePositionUm.z)
    if loop is None:
        return None, z_um
    step_um, home = loop.parameters.stepUm, loop.parameters.homeIndex
    if loop.parameters.bottomToTop:
        return positive(step_um), z_um
    if first is not None:
        z_um += 2 * home * step_um  # the library counts up from below
    return -step_um or None, z_um


def _interval_s(nd2: Any) -> float | None:
    """Return the mean time between frames, else the one that was asked for."""
    loop = next((found for found in nd2.experiment if found.type == "TimeLoop"), None)
    if loop is None:
        return None
    acquired = positive(loop.parameters.periodDiff.avg) or positive(loop.parameters.periodMs)
    return None if acquired is None else acquired / 1e3


def _first(nd2: Any, frames: tuple[Array, str]) -> Any:
    """Return the metadata of the first frame of a position, None where they are missing."""
    return _metadata(nd2, int(frames[0].flat[0]))


def _metadata(nd2: Any, frame: int) -> Any:
    """Return what is stated of the first channel of a frame; None where times are missing."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return nd2.frame_metadata(frame).channels[0]
    except (IndexError, KeyError, TypeError, ValueError):
        return None


def _acquisition(nd2: Any, frames: tuple[Array, str]) -> Acquisition:
    first = _first(nd2, frames)
    if first is None:
        return Acquisition()
    x_um, y_um, _ = first.position.stagePositionUm
    day = first.time.absoluteJulianDayNumber - _JULIAN_DAY_OF_1970
    started = datetime(1970, 1, 1, tzinfo=timezone.utc) + timedelta(days=day) if day > 0 else None
    return Acquisition(
        started=None if started is None else started.isoformat(timespec="seconds"),
        frame_times_s=_frame_times_s(nd2, frames),
        stage_um=(float(x_um), float(y_um)),
    )


def _frame_times_s(nd2: Any, frames: tuple[Array, str]) -> tuple[float, ...]:
    """Return the time of the first frame at each time point, in seconds since the first one."""
    numbers, axes = frames
    if "t" not in axes:
        return ()
    in_time = np.moveaxis(numbers, axes.index("t"), 0)
    firsts = in_time.reshape(len(in_time), -1)[:, 0]
    found = [_metadata(nd2, int(number)) for number in firsts]
    if None in found:
        return ()
    ms = [metadata.time.relativeTimeMs for metadata in found]
    return tuple(round((one - ms[0]) / 1e3, 6) for one in ms)
