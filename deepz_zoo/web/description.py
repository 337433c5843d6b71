"""What the page has to know of a model, as it stands in ``models.json``."""

from __future__ import annotations

from pydantic import ConfigDict
from pydantic.alias_generators import to_camel

from deepz_zoo.files import Record
from deepz_zoo.records.manifest import Manifest
from deepz_zoo.refocus.in_range.camera_image import min_signal_to_noise

_MAX_PIXELS = 2**22  # for a quarter of the published channels; a page has 4 GB at most
_LITE_WIDTH = 0.25


class DescribedModel(Record):
    """One model of the page, in the names of its TypeScript.

    Attributes
    ----------
    onnx, example
        Names of the files, relative to the page.
    pixel_sizes
        By which factors the pixels of an image may be smaller or larger than the model's.
    min_signal_to_noise, min_signal_to_noise_reason
        Below which ratio to warn, and why.
    max_pixels
        Larger images do not fit into the memory of a browser.
    """

    model_config = ConfigDict(alias_generator=to_camel, populate_by_name=True)

    name: str
    onnx: str
    example: str
    pixel_size_um: float
    z_range_um: float
    z_step_um: float
    numerical_aperture: float
    immersion: str
    emission_band_um: tuple[float, float]
    pixel_sizes: tuple[float | None, float | None]
    min_signal_to_noise: float
    min_signal_to_noise_reason: str
    max_pixels: int
    provenance: str


class ModelList(Record):
    """The content of ``models.json``."""

    models: tuple[DescribedModel, ...]


def describe(manifest: Manifest) -> DescribedModel:
    """Return what the page has to know of a model."""
    system, limits = manifest.system, manifest.limits
    file_name = manifest.name.replace("/", "_")
    curve = limits.curve("pixel_size") if limits else None
    ratio, reason = min_signal_to_noise(limits)
    return DescribedModel(
        name=manifest.name,
        onnx=f"models/{file_name}.onnx",
        example=f"models/{file_name}.ome.tif",
        pixel_size_um=system.pixel_size_um,
        z_range_um=system.z_range_um,
        z_step_um=system.z_step_um,
        numerical_aperture=system.objective.numerical_aperture,
        immersion=system.objective.immersion,
        emission_band_um=system.channel.emission_band_um,
        pixel_sizes=curve.usable() if curve else (None, None),
        min_signal_to_noise=ratio,
        min_signal_to_noise_reason=reason,
        max_pixels=int(_MAX_PIXELS * min(1, _LITE_WIDTH / manifest.generator.width)),
        provenance=manifest.provenance,
    )
