"""The record of one microscope, as ``deepz-zoo calibrate`` measures it: ``microscope.json``."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import Field

from deepz_zoo.errors import DeepZError
from deepz_zoo.files import Record, read_record
from deepz_zoo.optics import ImagingSystem, Instrument


class MeasuredImage(Record):
    """A file of images of beads: its name without the folder, and its hash."""

    name: str
    sha256: str


class InstrumentErrors(Record):
    """Standard errors of the settings of an `Instrument` that were fitted.

    ``spherical_um`` is that of the coverslip, or of the depth where that was fitted.
    """

    spherical_um: float
    numerical_aperture: float
    astigmatism_waves: tuple[float, float]
    coma_waves: tuple[float, float]
    residual_blur_um: float
    pupil_gradient: tuple[float, float]


class Microscope(Record):
    """One microscope: its objective and channel, its optics, and how they were measured.

    Attributes
    ----------
    objective, channel
        As the catalogue names them.
    instrument, errors
        The settings that explain the images best, and their standard errors.
    undetermined
        Settings that the images say little of: they have their usual values.
    spherical_waves
        Root-mean-square wavefront error of the spherical aberration in wavelengths, without
        defocus; positive for a coverslip that is too thick below a dry lens.
    measured_from
        Stacks through focus, or single images of a surface at known distances.
    images
        The files.
    beads
        How many were fitted.
    pixel_size_um, bead_diameter_um
        What was given of images and beads.
    correlation
        Of all pixels of the measured and the modeled beads.
    electrons_per_grey_level
        The camera's, as the noise of the images tells it; too small where the model is not perfect.
    code_version, date
        When and by which version it was measured.
    """

    version: Literal[1] = 1
    objective: str
    channel: str
    instrument: Instrument
    errors: InstrumentErrors
    undetermined: tuple[str, ...]
    spherical_waves: float
    measured_from: Literal["stacks", "surface"]
    images: tuple[MeasuredImage, ...]
    beads: int = Field(ge=1)
    pixel_size_um: float
    bead_diameter_um: float
    correlation: float
    electrons_per_grey_level: float
    code_version: str
    date: str

    @property
    def name(self) -> str:
        """The short name of the system, such as ``leica20x_0.8/TxRd``."""
        return f"{self.objective}/{self.channel}"


def with_instrument(system: ImagingSystem, path: Path | None) -> ImagingSystem:
    """Return a system with the instrument of a file of `Microscope`, or as it is for None.

    Raises
    ------
    DeepZError
        If the file is none, or of another objective or channel.
    """
    if path is None:
        return system
    microscope = read_record(path, Microscope)
    if microscope.name != system.name:
        raise DeepZError(
            f"{path} is the microscope of {microscope.name}, but {system.name} was asked for"
        )
    return system.model_copy(update={"instrument": microscope.instrument})
