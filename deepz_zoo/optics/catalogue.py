"""The imaging systems of the paper."""

from __future__ import annotations

import difflib

from deepz_zoo.errors import DeepZError
from deepz_zoo.optics.system import Aberrations, Channel, Confocal, ImagingSystem, Objective

TXRD = Channel(name="TxRd", emission_wavelength_um=0.615, emission_band_um=(0.590, 0.640))
# The same filter cube; its own name, since the mount of the beads has the opposite aberration.
TXRD_BEADS = TXRD.model_copy(update={"name": "TxRd-beads"})
FITC = Channel(name="FITC", emission_wavelength_um=0.525, emission_band_um=(0.505, 0.545))

LEICA_20X = Objective(
    id="leica20x_0.8",
    name="Leica HC PL APO 20x/0.80 DRY",
    magnification=20,
    numerical_aperture=0.8,
    immersion="air",
    immersion_index=1.0,
)
LEICA_40X = Objective(
    id="leica40x_1.3",
    name="Leica HC PL APO 40x/1.30 OIL",
    magnification=40,
    numerical_aperture=1.3,
    immersion="oil",
    immersion_index=1.515,
)
OLYMPUS_20X = Objective(
    id="olympus20x_0.75",
    name="Olympus UPLSAPO 20x/0.75",
    magnification=20,
    numerical_aperture=0.75,
    immersion="air",
    immersion_index=1.0,
)
LEICA_63X = Objective(
    id="leica63x_1.4",
    name="Leica HC PL APO 63x/1.40 OIL CS2",
    magnification=63,
    numerical_aperture=1.4,
    immersion="oil",
    immersion_index=1.515,
)

# Ordinary instruments: coma and astigmatism of a tilted slide or a lens off its axis, and a pupil
# that a clipped back aperture or an off-axis field makes uneven.
_COMA_WAVES = _ASTIGMATISM_WAVES = 0.1
_PUPIL_GRADIENT = 0.4

# A worm on agarose below a #1.5 coverslip: tissue adds to the path in glass, so the spherical
# aberration of a dry lens is positive throughout.
_WORM_DRY = Aberrations(
    coverslip_um=(171.0, 3.0),
    depth_um=(12.0, 45.0),
    specimen_index=(1.33, 1.38),
    immersion_index=(1.0, 1.0),
    coma_waves=_COMA_WAVES,
    astigmatism_waves=_ASTIGMATISM_WAVES,
    pupil_gradient=_PUPIL_GRADIENT,
)
_WORM_OIL = Aberrations(
    coverslip_um=(170.0, 3.0),
    depth_um=(4.0, 30.0),
    specimen_index=(1.33, 1.38),
    immersion_index=(1.510, 1.518),
    coma_waves=_COMA_WAVES,
    astigmatism_waves=_ASTIGMATISM_WAVES,
    pupil_gradient=_PUPIL_GRADIENT,
)
# Beads dried on a #1 coverslip (150 µm) below a lens corrected for 170 µm: the aberration is
# negative, with rings on the side of increasing z and a core with a halo on the other. The ranges
# contain the instrument that was fitted to real slides of these beads: 138 to 141 µm of coverslip,
# gradient 0.8, coma 0.11 and astigmatism 0.17 waves.
_BEADS_DRY = Aberrations(
    coverslip_um=(143.0, 5.0),
    depth_um=(0.0, 0.5),
    specimen_index=(1.0, 1.0),
    immersion_index=(1.0, 1.0),
    residual_blur_um=(0.3, 0.9),
    coma_waves=0.15,
    astigmatism_waves=0.2,
    pupil_gradient=0.9,
)
_MOUNTED_OIL = Aberrations(
    coverslip_um=(170.0, 3.0),
    depth_um=(1.0, 10.0),
    specimen_index=(1.36, 1.46),
    immersion_index=(1.510, 1.518),
    residual_blur_um=(0.0, 0.2),
    coma_waves=_COMA_WAVES,
    astigmatism_waves=_ASTIGMATISM_WAVES,
    pupil_gradient=_PUPIL_GRADIENT,
)

# What is simulated for a system is what is imaged with it, and beads, the simplest specimens.
_NUCLEI = ("nuclei", "beads", "clusters", "nuclei", "filaments", "texture")
_NEURONS = ("neurons", "beads", "nuclei", "clusters", "neurons", "filaments")
_BEADS = ("beads", "clusters", "beads", "beads", "clusters", "beads")
_MICROTUBULES = ("microtubules", "filaments", "microtubules", "beads", "microtubules", "texture")

_SYSTEMS = (
    ImagingSystem(
        objective=LEICA_20X,
        channel=TXRD,
        pixel_size_um=0.325,
        z_range_um=10,
        z_step_um=0.5,
        aberrations=_WORM_DRY,
    ),
    ImagingSystem(
        objective=LEICA_20X,
        channel=FITC,
        pixel_size_um=0.325,
        z_range_um=10,
        z_step_um=0.5,
        aberrations=_WORM_DRY,
        specimens=_NEURONS,
    ),
    ImagingSystem(
        objective=LEICA_40X,
        channel=TXRD,
        pixel_size_um=0.1625,
        z_range_um=4,
        z_step_um=0.27,
        aberrations=_WORM_OIL,
        specimens=_NUCLEI,
    ),
    ImagingSystem(
        objective=OLYMPUS_20X,
        channel=TXRD,
        pixel_size_um=0.325,
        z_range_um=10,
        z_step_um=0.5,
        aberrations=_WORM_DRY,
        specimens=_NUCLEI,
    ),
    ImagingSystem(
        objective=OLYMPUS_20X,
        channel=TXRD_BEADS,
        pixel_size_um=0.325,
        z_range_um=10,
        z_step_um=0.5,
        aberrations=_BEADS_DRY,
        specimens=_BEADS,
    ),
    ImagingSystem(
        objective=LEICA_63X,
        channel=FITC,
        pixel_size_um=0.1024,
        z_range_um=1.2,
        z_step_um=0.2,
        aberrations=_MOUNTED_OIL,
        specimens=_MICROTUBULES,
        confocal=Confocal(excitation_wavelength_um=0.488),
    ),
)


def list_systems() -> tuple[ImagingSystem, ...]:
    """Return every imaging system of the catalogue."""
    return _SYSTEMS


def get_system(objective: str, channel: str | None = None) -> ImagingSystem:
    """Return the imaging system of an objective and a channel.

    Parameters
    ----------
    objective
        Identifier of the objective, such as ``leica20x_0.8``, or the short name of the system,
        such as ``leica20x_0.8/TxRd``.
    channel
        Name of the channel, such as ``TxRd``; to be left out with a short name.

    Raises
    ------
    DeepZError
        If there is no such system; the message names the nearest ones.
    """
    name = objective if channel is None else f"{objective}/{channel}"
    systems = {system.name.lower(): system for system in _SYSTEMS}
    if name.lower() in systems:
        return systems[name.lower()]
    near = difflib.get_close_matches(name.lower(), systems, n=3, cutoff=0.5) or list(systems)
    names = ", ".join(systems[key].name for key in near)
    raise DeepZError(
        f"unknown objective and channel '{name}'; expected OBJECTIVE/CHANNEL, nearest: {names} "
        "('deepz-zoo list' shows all)"
    )
