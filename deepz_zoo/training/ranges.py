"""The range of data that a model was trained on, and where other data lie outside of it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from deepz_zoo.files import Record
from deepz_zoo.intensities import IntensityScale, intensity_scale
from deepz_zoo.intensities.noise import signal_to_noise
from deepz_zoo.optics import ImagingSystem
from deepz_zoo.records.training import TrainingRecord

if TYPE_CHECKING:
    from deepz_zoo.training.sources import PairSource

Interval = tuple[float, float]

_PLANES_MEASURED = 100
_TOLERANCE = 0.05


class DataRanges(Record):
    """What images are like, from the least to the greatest; None where that is not known.

    Attributes
    ----------
    pixel_size_um, numerical_aperture
        Sampling and objective.
    z_um
        Distances between input and target.
    background
        Background level of lone planes, in grey levels, the camera's offset included.
    signal
        Their intensity scale above it, in grey levels.
    signal_to_noise
        The scale over the noise between neighboring pixels: what the number of photons makes of an
        image, whatever the camera's gain.
    """

    pixel_size_um: Interval | None = None
    numerical_aperture: Interval | None = None
    z_um: Interval | None = None
    background: Interval | None = None
    signal: Interval | None = None
    signal_to_noise: Interval | None = None

    def outside(self, trained: DataRanges) -> tuple[str, ...]:
        """Return a line for each quantity that reaches out of a model's range by more than 5 %."""
        lines = []
        for name, text in _TEXTS.items():
            here, there = getattr(self, name), getattr(trained, name)
            if here is not None and there is not None and not _within(here, there):
                lines.append(f"{text(here)}, but the model was trained with {text(there)}")
        return tuple(lines)


def system_ranges(system: ImagingSystem) -> DataRanges:
    """Return what an imaging system alone says of its images."""
    aperture = system.objective.numerical_aperture
    return DataRanges(
        pixel_size_um=(system.pixel_size_um, system.pixel_size_um),
        numerical_aperture=(aperture, aperture),
        z_um=(-system.z_range_um, system.z_range_um),
    )


def image_ranges(image: NDArray[Any], *, pixel_size_um: float | None = None) -> DataRanges:
    """Measure one camera image (y, x).

    Raises
    ------
    DeepZError
        If the image is empty or holds NaN or infinity.
    """
    sampling = None if pixel_size_um is None else (pixel_size_um, pixel_size_um)
    return _measure(image, intensity_scale(image)).model_copy(update={"pixel_size_um": sampling})


def source_ranges(source: PairSource, system: ImagingSystem) -> DataRanges:
    """Measure planes of a source of training pairs, the same ones each time."""
    rng = np.random.default_rng(0)
    pairs = [source.draw((0, system.z_range_um), rng) for _ in range(_PLANES_MEASURED)]
    measured = [_measure(source.image(pair), source.single_image_scale(pair)) for pair in pairs]
    return system_ranges(system).model_copy(update=plane_ranges(measured))


def trained_ranges(record: TrainingRecord) -> DataRanges:
    """Return the ranges of a model; records of old say nothing of the planes."""
    planes = record.data_ranges.get("planes", {})
    return DataRanges.model_validate(system_ranges(record.system).model_dump() | planes)


def plane_ranges(ranges: Sequence[DataRanges]) -> dict[str, Interval]:
    """Return the least and the greatest of what was measured on planes."""
    names = ("background", "signal", "signal_to_noise")
    known = {name: [getattr(r, name) for r in ranges if getattr(r, name)] for name in names}
    return {
        name: (min(low for low, _ in intervals), max(high for _, high in intervals))
        for name, intervals in known.items()
        if intervals
    }


def _measure(image: NDArray[Any], scale: IntensityScale) -> DataRanges:
    background, signal = round(scale.background, 2), round(scale.scale, 2)
    ratio = signal_to_noise(image, scale)
    return DataRanges(
        background=(background, background),
        signal=(signal, signal),
        signal_to_noise=None if ratio is None else (round(ratio, 2), round(ratio, 2)),
    )


def _within(here: Interval, there: Interval) -> bool:
    low, high = (_TOLERANCE * abs(end) for end in there)
    return here[0] >= there[0] - low and here[1] <= there[1] + high


def _number(interval: Interval) -> str:
    low, high = interval
    return f"{low:.4g}" if low == high else f"{low:.4g} to {high:.4g}"


_TEXTS: dict[str, Callable[[Interval], str]] = {
    "pixel_size_um": lambda i: f"pixels of {_number(i)} µm",
    "numerical_aperture": lambda i: f"a numerical aperture of {_number(i)}",
    "z_um": lambda i: f"distances of {_number(i)} µm",
    "background": lambda i: f"a background of {_number(i)} grey levels",
    "signal": lambda i: f"a signal of {_number(i)} grey levels",
    "signal_to_noise": lambda i: f"a signal of {_number(i)} times the noise",
}
