"""Measure the planes of training pairs, for the record of a training."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from deepz_zoo.intensities import IntensityScale
from deepz_zoo.intensities.noise import signal_to_noise
from deepz_zoo.optics import ImagingSystem
from deepz_zoo.optics.system import Interval
from deepz_zoo.records.data_ranges import DataRanges, system_ranges

if TYPE_CHECKING:
    from deepz_zoo.training.sources import PairSource

_PLANES_MEASURED = 100


def source_ranges(source: PairSource, system: ImagingSystem) -> DataRanges:
    """Measure planes of a source of training pairs, the same ones each time."""
    rng = np.random.default_rng(0)
    pairs = [source.draw((0, system.z_range_um), rng) for _ in range(_PLANES_MEASURED)]
    measured = [image_ranges(source.image(pair), source.single_image_scale(pair)) for pair in pairs]
    return system_ranges(system).model_copy(update=plane_ranges(measured))


def image_ranges(image: NDArray[Any], scale: IntensityScale) -> DataRanges:
    """Measure one camera image (y, x), whose intensity scale is known."""
    background, signal = round(scale.background, 2), round(scale.scale, 2)
    ratio = signal_to_noise(image, scale)
    return DataRanges(
        background=(background, background),
        signal=(signal, signal),
        signal_to_noise=None if ratio is None else (round(ratio, 2), round(ratio, 2)),
    )


def plane_ranges(ranges: Sequence[DataRanges]) -> dict[str, Interval]:
    """Return the least and the greatest of what was measured on planes."""
    names = ("background", "signal", "signal_to_noise")
    known = {name: [getattr(r, name) for r in ranges if getattr(r, name)] for name in names}
    return {
        name: (min(low for low, _ in intervals), max(high for _, high in intervals))
        for name, intervals in known.items()
        if intervals
    }
