"""A microscope as Deep-Z sees it: an objective, a channel and how the specimen is sampled."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from deepz_zoo.files import Record
from deepz_zoo.optics.instrument import Instrument

Interval = tuple[float, float]
"""The least and the greatest value of a quantity."""


class Objective(Record):
    """An objective lens.

    Examples
    --------
    >>> lens = Objective(
    ...     id="20x_0.8", name="20x/0.80 DRY", magnification=20, numerical_aperture=0.8,
    ...     immersion="air", immersion_index=1.0,
    ... )
    """

    id: str
    name: str
    magnification: float = Field(gt=0)
    numerical_aperture: float = Field(gt=0, lt=1.6)
    immersion: Literal["air", "water", "oil"]
    immersion_index: float = Field(ge=1.0, lt=1.6)


class Channel(Record):
    """A fluorescence channel: its nominal emission wavelength and the band of its filter."""

    name: str
    emission_wavelength_um: float = Field(gt=0)
    emission_band_um: Interval


class Aberrations(Record):
    """The aberrations of one instrument with its usual mounts: a center and a spread for each.

    All point-spread functions of a system have the same sign of spherical aberration: the
    sign is what tells a network on which side of the focus a blurred object lies, and flipping it
    mirrors the point-spread function exactly.

    Attributes
    ----------
    coverslip_um
        Mean and standard deviation of the coverslip's thickness (design: 170 µm).
    depth_um
        Range of the depth of the focal plane below the coverslip.
    specimen_index, immersion_index
        Ranges of the refractive indices of the mounted specimen and of the immersion medium.
    coma_waves, astigmatism_waves
        Largest wavefront error of each at the edge of the pupil, in wavelengths.
    residual_blur_um
        Range of the full width at half maximum of the lateral blur on top of the optics.
    na_loss
        Largest relative loss of numerical aperture.
    pupil_gradient
        Largest gradient of the light over the pupil, whose intensity is 1 + g u from u = -1 at one
        edge to 1 at the other, in any direction. 0, the value of older records: an even pupil.
    """

    coverslip_um: tuple[float, float]
    depth_um: Interval
    specimen_index: Interval
    immersion_index: Interval
    coma_waves: float = 0.06
    astigmatism_waves: float = 0.06
    residual_blur_um: Interval = (0.0, 0.8)
    na_loss: float = 0.05
    pupil_gradient: float = Field(default=0.0, ge=0, le=1)


class Confocal(Record):
    """A confocal microscope with the objective of a system.

    Attributes
    ----------
    excitation_wavelength_um
        Of its laser.
    pinhole_airy
        Diameter of its pinhole in Airy disks, 1.22 λ/NA of the emission.
    """

    excitation_wavelength_um: float = Field(gt=0)
    pinhole_airy: float = Field(default=1.0, gt=0)


class ImagingSystem(Record):
    """One entry of the zoo: an objective with a channel, its sampling and its axial range.

    Attributes
    ----------
    pixel_size_um
        Sampling in the specimen.
    z_range_um
        Half of the axial range: 10 means a range of refocusing from -10 to +10 µm.
    z_step_um
        Step of the z-stacks that such a model is trained on.
    specimens
        What is simulated for it, one stack of each in turn; a name may occur more than once.
    confocal
        The microscope whose planes a Deep-Z+ model makes of wide-field images; None for Deep-Z,
        which makes those of the wide-field microscope itself.
    instrument
        The one instrument that is meant, as it was measured; None for any within `aberrations`.
    """

    objective: Objective
    channel: Channel
    pixel_size_um: float = Field(gt=0)
    z_range_um: float = Field(gt=0)
    z_step_um: float = Field(gt=0)
    aberrations: Aberrations
    # Beads occur twice: small bright objects are what a network learns last.
    specimens: tuple[str, ...] = Field(
        default=("beads", "clusters", "nuclei", "filaments", "texture", "beads"), min_length=1
    )
    confocal: Confocal | None = None
    # Records of models for any instrument stay as they were before instruments could be measured.
    instrument: Instrument | None = Field(default=None, exclude_if=lambda value: value is None)

    @property
    def name(self) -> str:
        """The short name, such as ``leica20x_0.8/TxRd``."""
        return f"{self.objective.id}/{self.channel.name}"

    @property
    def specimen_kinds(self) -> tuple[str, ...]:
        """The specimens, each once."""
        return tuple(dict.fromkeys(self.specimens))

    @property
    def depth_of_field_um(self) -> float:
        """Depth of field λn/NA² in µm."""
        lens = self.objective
        return (
            self.channel.emission_wavelength_um * lens.immersion_index / lens.numerical_aperture**2
        )

    def whole_steps_um(self, fraction: float) -> float:
        """Return a fraction of the half-range in µm, as whole steps of the system's stacks.

        The whole of it is the last step within the range.
        """
        steps = fraction * self.z_range_um / self.z_step_um
        whole = int(steps + 1e-6) if fraction == 1 else round(steps)
        return round(whole * self.z_step_um, 4)

    @property
    def lateral_fwhm_um(self) -> float:
        """Full width at half maximum 0.51 λ/NA of the in-focus point-spread function in µm."""
        return 0.51 * self.channel.emission_wavelength_um / self.objective.numerical_aperture
