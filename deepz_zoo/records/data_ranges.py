"""The range of data that a model was trained on."""

from __future__ import annotations

from deepz_zoo.files import Record
from deepz_zoo.optics import ImagingSystem
from deepz_zoo.optics.system import Interval
from deepz_zoo.records.training import TrainingRecord


class DataRanges(Record):
    """What images are like, from the least to the greatest; None where that is not known.

    Attributes
    ----------
    pixel_size_um, numerical_aperture
        Sampling and objective.
    z_um
        Distances between input and target.
    background
        Background level of single planes in grey levels, the camera's offset included.
    signal
        Their intensity scale above it in grey levels.
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


def system_ranges(system: ImagingSystem) -> DataRanges:
    """Return what an imaging system alone says of its images."""
    aperture = system.objective.numerical_aperture
    return DataRanges(
        pixel_size_um=(system.pixel_size_um, system.pixel_size_um),
        numerical_aperture=(aperture, aperture),
        z_um=(-system.z_range_um, system.z_range_um),
    )


def trained_ranges(record: TrainingRecord) -> DataRanges:
    """Return the ranges of a training; old records do not describe the planes."""
    planes = record.data_ranges.get("planes", {})
    return DataRanges.model_validate(system_ranges(record.system).model_dump() | planes)
