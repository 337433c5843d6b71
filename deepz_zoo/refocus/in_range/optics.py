"""Tell a user where an image was taken with other optics than a model is for."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from deepz_zoo.images import Image
    from deepz_zoo.optics import ImagingSystem

_APERTURE_TOLERANCE = 0.05
_BAND_MARGIN_UM = 0.02  # dyes are named by their peak, which lies outside of many filters

# What OME calls the media of the zoo's objectives.
_IMMERSIONS = {"air": "air", "water": "water", "waterdipping": "water", "oil": "oil"}


def optics_warnings(image: Image[Any], system: ImagingSystem) -> tuple[str, ...]:
    """Return a line for each thing in which the optics that a file states are not the model's.

    Parameters
    ----------
    image
        With one channel, as `select_frames` returns it.
    system
        What the model was trained for.
    """
    lens, (low, high) = system.objective, system.channel.emission_band_um
    found = []
    aperture = image.numerical_aperture
    if aperture and abs(aperture / lens.numerical_aperture - 1) > _APERTURE_TOLERANCE:
        found.append(f"NA {aperture:g}, the model is for {lens.numerical_aperture:g}")
    medium = _IMMERSIONS.get((image.immersion or "").lower())
    if medium not in (None, lens.immersion):
        found.append(f"immersion in {medium}, the model is for {lens.immersion}")
    emission_um = image.emission_um[0] if image.emission_um else None
    if emission_um and not low - _BAND_MARGIN_UM <= emission_um <= high + _BAND_MARGIN_UM:
        found.append(
            f"emission at {emission_um * 1e3:.0f} nm, the model is for {low * 1e3:.0f} to "
            f"{high * 1e3:.0f} nm"
        )
    return tuple(f"the file says {line}: expect artifacts" for line in found)
