"""From images of beads to the record of a microscope."""

from __future__ import annotations

import datetime
import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from deepz_zoo import __version__
from deepz_zoo.calibrate.beads import BeadImages, FoundBeads, beads_of_image, beads_of_stack
from deepz_zoo.calibrate.fit import Fit, Floats, aperture_limits, fit_instrument
from deepz_zoo.calibrate.model import APERTURE, BLUR, GRADIENT, SPHERICAL, BeadModel, disk_radius_um
from deepz_zoo.dpm import Surface
from deepz_zoo.errors import DeepZError
from deepz_zoo.files import sha256_of
from deepz_zoo.images import Image
from deepz_zoo.optics import ImagingSystem
from deepz_zoo.progress import Progress, no_progress
from deepz_zoo.records.microscope import InstrumentErrors, MeasuredImage, Microscope
from deepz_zoo.simulate.camera import Camera

_STACK_DEPTHS = 4.5
_SURFACE_DEPTHS = 6.0
"""How far from focus beads are looked at, in depths of field."""
_AROUND_DISK_PX = 4
_STACK_PLACE_UM = 2.0
_SURFACE_PLACE_UM = 0.3
"""Standard deviation of the beads' z: in a stack it is free; on a slide it is their own height."""
MIN_CORRELATION = 0.85
"""Below it, what was fitted were no beads."""
UNDETERMINED = 0.7
"""A setting is not determined if the images leave this fraction of what was uncertain before."""


@dataclass(frozen=True)
class Calibration:
    """A measured microscope, with what it was measured from."""

    microscope: Microscope
    model: BeadModel
    fit: Fit

    def modeled(self) -> list[Floats]:
        """Return the fitted images of every bead, of the shapes of the measured ones."""
        return self.fit.images(self.model)


def calibrate_stacks(
    system: ImagingSystem,
    stacks: Sequence[tuple[Path, Image]],
    *,
    bead_diameter_um: float = 0.0,
    progress: Progress = no_progress,
) -> Calibration:
    """Measure a microscope by z-stacks of sub-resolution beads.

    Parameters
    ----------
    system
        Objective and channel.
    stacks
        Names of files and what `deepz_zoo.images.stack.read_stack` read from them.
    bead_diameter_um
        Of the beads.
    progress
        Called with what is being done.

    Raises
    ------
    DeepZError
        If there are no usable beads, too few planes, or if they do not look like beads at this
        magnification.
    """
    half_um = max((len(s.data) - 1) * (s.z_step_um or 0) / 2 for _, s in stacks)
    farthest_um = min(_STACK_DEPTHS * system.depth_of_field_um, half_um)
    model = _model(system, stacks, farthest_um, bead_diameter_um)
    found = FoundBeads()
    progress("Finding beads")
    for _, stack in stacks:
        assert stack.z_step_um is not None
        found.add(beads_of_stack(stack.data, stack.z_step_um, model))
    found.beads.sort(key=lambda bead: -bead.signal_to_noise)
    beads = found.chosen(_names(stacks), model)
    fit = fit_instrument(
        model,
        beads,
        noise=1 / Camera().electrons_per_grey_level,
        place_um=_STACK_PLACE_UM,
        common_focus=False,
        progress=progress,
    )
    return _calibration(model, fit, stacks, "stacks")


def calibrate_surface(
    system: ImagingSystem,
    images: Sequence[tuple[Path, Image]],
    surface: Surface,
    *,
    bead_diameter_um: float = 0.0,
    progress: Progress = no_progress,
) -> Calibration:
    """Measure a microscope by single images of beads on a surface at known distances.

    Parameters
    ----------
    system, bead_diameter_um, progress
        As of `calibrate_stacks`.
    images
        Names of files and their images (ny, nx).
    surface
        Where the beads lie, such as a `Tilt`; its offset does not matter, since the focus is found.

    Raises
    ------
    DeepZError
        If there are no usable beads, if the surface is not deep enough, or if they do not look like
        beads at this magnification.
    """
    distances = [surface.dpm(image.data.shape, image.pixel_size_um or 0) for _, image in images]
    half_um = max(float(np.ptp(distance)) for distance in distances) / 2
    depth_of_field = system.depth_of_field_um
    if half_um < 1.5 * depth_of_field:
        raise DeepZError(
            f"{surface} spans {2 * half_um:.2g} µm in {_names(images)}; expected at least "
            f"{3 * depth_of_field:.2g} µm, so that beads are seen on both sides of the focus"
        )
    farthest_um = min(_SURFACE_DEPTHS * depth_of_field, 2 * half_um)
    model = _model(system, images, farthest_um, bead_diameter_um)
    found = FoundBeads()
    progress("Finding beads")
    for (_, image), distance in zip(images, distances, strict=True):
        found.add(beads_of_image(image.data, distance, model))
    beads = found.chosen(_names(images), model)
    _check_spread(beads, depth_of_field, _names(images))
    fit = fit_instrument(
        model,
        beads,
        noise=1 / Camera().electrons_per_grey_level,
        place_um=_SURFACE_PLACE_UM,
        common_focus=True,
        progress=progress,
    )
    return _calibration(model, fit, images, "surface")


def _check_spread(beads: Sequence[BeadImages], depth_of_field: float, names: str) -> None:
    z_um = [float(bead.z_um[0]) for bead in beads]
    if max(z_um) - min(z_um) < 2 * depth_of_field:
        raise DeepZError(
            f"the {len(beads)} usable beads of {names} lie within {max(z_um) - min(z_um):.2g} µm "
            f"of z; expected at least {2 * depth_of_field:.2g} µm: tilt more, or use more beads"
        )


def _model(
    system: ImagingSystem,
    images: Sequence[tuple[Path, Image]],
    farthest_um: float,
    bead_diameter_um: float,
) -> BeadModel:
    """Return the model of beads in images, which have one pixel size."""
    first, pixel_um = images[0][0], images[0][1].pixel_size_um
    assert pixel_um is not None
    for path, image in images:
        if not math.isclose(image.pixel_size_um or 0, pixel_um, rel_tol=0.01):
            raise DeepZError(
                f"{first} has pixels of {pixel_um:g} µm, {path} of {image.pixel_size_um} µm; "
                "expected images of one magnification"
            )
    radius_px = disk_radius_um(system, farthest_um) / pixel_um
    return BeadModel(
        system=system,
        pixel_size_um=pixel_um,
        crop_px=2 * math.ceil(radius_px + _AROUND_DISK_PX),
        farthest_um=farthest_um,
        bead_diameter_um=bead_diameter_um,
    )


def _names(images: Sequence[tuple[Path, Image]]) -> str:
    return ", ".join(path.name for path, _ in images)


def _calibration(
    model: BeadModel, fit: Fit, images: Sequence[tuple[Path, Image]], measured_from: str
) -> Calibration:
    system, vector, errors = model.system, fit.vector, fit.errors
    correlation = fit.correlation(model)
    _check_likeness(model, fit, correlation, _names(images))
    blur_um = math.sqrt(max(vector[BLUR], 0.0))
    microscope = Microscope(
        objective=system.objective.id,
        channel=system.channel.name,
        instrument=model.instrument(vector.tolist()),
        errors=InstrumentErrors(
            spherical_um=errors[SPHERICAL],
            numerical_aperture=errors[APERTURE],
            astigmatism_waves=(errors[2], errors[3]),
            coma_waves=(errors[4], errors[5]),
            # Of the square root; a blur near 0 is known to about the root of that of its square.
            residual_blur_um=errors[BLUR] / (2 * max(blur_um, math.sqrt(errors[BLUR]) / 2)),
            pupil_gradient=tuple(errors[GRADIENT]),
        ),
        undetermined=_undetermined(fit),
        spherical_waves=model.spherical_waves(model.settings(vector.tolist())),
        measured_from=measured_from,
        images=tuple(MeasuredImage(name=path.name, sha256=sha256_of(path)) for path, _ in images),
        beads=len(fit.beads),
        pixel_size_um=model.pixel_size_um,
        bead_diameter_um=model.bead_diameter_um,
        correlation=correlation,
        electrons_per_grey_level=1 / fit.noise,
        code_version=__version__,
        date=datetime.datetime.now(datetime.timezone.utc).date().isoformat(),
    )
    return Calibration(microscope, model, fit)


def _undetermined(fit: Fit) -> tuple[str, ...]:
    """Return the settings that the images do not determine, by their names in the record."""
    left = fit.errors / fit.prior > UNDETERMINED
    names = {
        "spherical_aberration": left[SPHERICAL],
        "numerical_aperture": left[APERTURE],
        "astigmatism_waves": left[2:4].any(),
        "coma_waves": left[4:6].any(),
        "residual_blur_um": left[BLUR],
        "pupil_gradient": left[GRADIENT].any(),
    }
    return tuple(name for name, unknown in names.items() if unknown)


def _check_likeness(model: BeadModel, fit: Fit, correlation: float, names: str) -> None:
    """Refuse beads that do not spread from focus as they do behind this objective."""
    lens = model.system.objective
    low, high = aperture_limits(model)
    aperture = float(fit.vector[APERTURE])
    found = None
    if not low * 1.01 < aperture < high * 0.99:
        much = "less" if aperture < lens.numerical_aperture else "more"
        found = f"spread from focus as behind an aperture of {aperture:.2f} or {much}"
    elif correlation < MIN_CORRELATION:
        found = f"do not look like beads (correlation with the best model {correlation:.2f})"
    if found is not None:
        raise DeepZError(
            f"the spots of {names} {found}; expected sub-resolution beads behind {lens.id} with "
            f"NA {lens.numerical_aperture:g}: check the pixel size ({model.pixel_size_um:g} µm), "
            "the z step or the tilt, and the objective"
        )
