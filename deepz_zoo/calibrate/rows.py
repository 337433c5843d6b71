"""A measured microscope as the rows of a table."""

from __future__ import annotations

import math
from dataclasses import dataclass

from deepz_zoo.calibrate.run import Calibration
from deepz_zoo.calibrate.verdict import spherical_range


@dataclass(frozen=True)
class Row:
    """One setting: its name, value, standard error and the range of the zoo's model, as text."""

    name: str
    value: str
    error: str
    range: str


def rows(calibration: Calibration) -> list[Row]:
    """Return a row for each setting."""
    microscope, model = calibration.microscope, calibration.model
    instrument, errors, ranges = microscope.instrument, microscope.errors, model.system.aberrations
    aperture = model.system.objective.numerical_aperture
    low, high = spherical_range(model)
    if model.spherical_is_depth:
        fitted, value_um = "depth (µm)", instrument.depth_um
    else:
        fitted, value_um = "coverslip (µm)", instrument.coverslip_um
    per_um = abs(microscope.spherical_waves / (value_um - model.ideal_spherical_um or 1.0))

    def setting(field: str, name: str, value: str, error: str, limits: str) -> Row:
        if field in microscope.undetermined:
            return Row(name, value, "not determined", limits)
        return Row(name, value, error, limits)

    return [
        setting(
            "spherical_aberration",
            "spherical aberration (waves rms)",
            f"{microscope.spherical_waves:+.3f}",
            _error(errors.spherical_um * per_um),
            f"{low:+.3f} to {high:+.3f}",
        ),
        setting(
            "spherical_aberration",
            f"  as {fitted}",
            f"{value_um:.1f}",
            _error(errors.spherical_um),
            "",
        ),
        setting(
            "numerical_aperture",
            "numerical aperture",
            f"{instrument.numerical_aperture:.3f}",
            _error(errors.numerical_aperture),
            f"{aperture * (1 - ranges.na_loss):.3g} to {aperture:g}",
        ),
        setting(
            "astigmatism_waves",
            "astigmatism (waves: oblique, vertical)",
            _pair(instrument.astigmatism_waves),
            _error(max(errors.astigmatism_waves)),
            _of(instrument.astigmatism_waves, ranges.astigmatism_waves),
        ),
        setting(
            "coma_waves",
            "coma (waves: y, x)",
            _pair(instrument.coma_waves),
            _error(max(errors.coma_waves)),
            _of(instrument.coma_waves, ranges.coma_waves),
        ),
        setting(
            "pupil_gradient",
            "pupil gradient (y, x)",
            _pair(instrument.pupil_gradient, digits=2),
            _error(max(errors.pupil_gradient)),
            _of(instrument.pupil_gradient, ranges.pupil_gradient),
        ),
        setting(
            "residual_blur_um",
            "blur (µm)",
            f"{instrument.residual_blur_um:.2f}",
            _error(errors.residual_blur_um),
            f"{ranges.residual_blur_um[0]:g} to {ranges.residual_blur_um[1]:g}",
        ),
        Row("wavelength (µm)", f"{instrument.wavelength_um:.3f}", "held", ""),
    ]


def _pair(pair: tuple[float, float], digits: int = 3) -> str:
    return f"{pair[0]:+.{digits}f}, {pair[1]:+.{digits}f}"


def _of(pair: tuple[float, float], largest: float) -> str:
    return f"{math.hypot(*pair):.2f} of up to {largest:g}"


def _error(error: float) -> str:
    return f"{error:.1g}"
