"""Whether an instrument lies within the ranges that a model of the zoo was trained on."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator

from deepz_zoo.calibrate.model import BeadModel
from deepz_zoo.optics.psf import PsfParameters
from deepz_zoo.optics.system import Interval
from deepz_zoo.records.microscope import Microscope

_SIGMAS = 2.0
_TOLERANCE_WAVES = 0.01
_TOLERANCE_UM = 0.1
OPPOSITE_SIGN = (
    "its spherical aberration has the opposite sign of the model's: if the stack was acquired with "
    "decreasing stage z, or the slide tilts the other way, set `reverse` or the other sign of the "
    "angle; if not, the model refocuses the wrong way here"
)


def spherical_range(model: BeadModel) -> Interval:
    """Return the least and the greatest spherical aberration of a system's ranges.

    As rms waves, see `BeadModel.spherical_waves`; coverslips by two standard deviations.
    """
    ranges = model.system.aberrations
    mean, deviation = ranges.coverslip_um
    nominal = PsfParameters.nominal(model.system)
    settings = {name: getattr(nominal, name) for name in PsfParameters.__dataclass_fields__}
    waves = []
    for coverslip_um, depth_um, specimen, immersion in itertools.product(
        (mean - _SIGMAS * deviation, mean + _SIGMAS * deviation),
        ranges.depth_um,
        ranges.specimen_index,
        ranges.immersion_index,
    ):
        corner = PsfParameters(
            **settings
            | {
                "coverslip_um": coverslip_um,
                "depth_um": depth_um,
                "specimen_index": specimen,
                "immersion_index": immersion,
            }
        )
        waves.append(model.spherical_waves(corner))
    return min(waves), max(waves)


def outside_of_ranges(microscope: Microscope, model: BeadModel) -> list[str]:
    """Return a line for each setting outside of the ranges of the zoo's model."""
    return list(_lines(microscope, model))


def _lines(microscope: Microscope, model: BeadModel) -> Iterator[str]:
    instrument, ranges = microscope.instrument, model.system.aberrations
    low, high = spherical_range(model)
    waves = microscope.spherical_waves
    if not low - _TOLERANCE_WAVES <= waves <= high + _TOLERANCE_WAVES:
        known = f"{low:+.3f} to {high:+.3f}"
        yield f"spherical aberration {waves:+.3f} waves rms; the model knows {known}"
        if waves * (low + high) < 0 and abs(waves) > _TOLERANCE_WAVES:
            yield OPPOSITE_SIGN
    lengths = (
        ("astigmatism", instrument.astigmatism_waves, ranges.astigmatism_waves, " waves", 0.01),
        ("coma", instrument.coma_waves, ranges.coma_waves, " waves", 0.01),
        ("pupil gradient", instrument.pupil_gradient, ranges.pupil_gradient, "", 0.05),
    )
    for name, pair, largest, unit, tolerance in lengths:
        length = math.hypot(*pair)
        if length > largest + tolerance:
            yield f"{name} {length:.2f}{unit}; the model knows up to {largest:g}{unit}"
    least, most = ranges.residual_blur_um
    if not least - _TOLERANCE_UM <= instrument.residual_blur_um <= most + _TOLERANCE_UM:
        yield (
            f"blur {instrument.residual_blur_um:.2f} µm; the model knows {least:g} to {most:g} µm"
        )
    aperture = model.system.objective.numerical_aperture
    smallest = aperture * (1 - ranges.na_loss)
    if not smallest * 0.98 <= instrument.numerical_aperture <= aperture * 1.02:
        yield (
            f"numerical aperture {instrument.numerical_aperture:.3f}; the model knows "
            f"{smallest:.3g} to {aperture:g}"
        )
