"""What a program has to know to use a model within its validity: ``config.deepz``.

The JSON schema of it is published in ``packaging/deepz_config.schema.json``.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Literal

from pydantic import Field, ValidationError, model_validator
from typing_extensions import Self

from deepz_zoo.cards.failures import failure_sentences
from deepz_zoo.dpm import SHORTEST_PERIOD_UM
from deepz_zoo.errors import DeepZError
from deepz_zoo.files import Record, first_fault
from deepz_zoo.network.config import Normalization
from deepz_zoo.optics import ImagingSystem
from deepz_zoo.package.contents.variants import DPM_CHANNEL, Variant, VariantName
from deepz_zoo.records.accuracy import Noise
from deepz_zoo.records.manifest import Size
from deepz_zoo.records.training import TrainingData

if TYPE_CHECKING:
    from deepz_zoo.records.manifest import Manifest

Direction = Literal["increasing stage z"]
UPWARD: Direction = "increasing stage z"

# Far beyond any light microscope. An untrusted package says what is simulated to validate it, and
# on what grid: beyond these limits that could take all of a computer's memory.
_PIXEL_SIZES_UM = (0.01, 50.0)
_WAVELENGTHS_UM = (0.2, 2.0)
_MAX_STEPS = 500


class DpmChannel(Record):
    """The channel that conditions a surface model.

    Attributes
    ----------
    channel_index
        Its place in the input, counted from 0.
    positive_direction
        Where a surface with positive values lies.
    range_um
        Values that the model was trained for.
    shortest_lateral_period_um
        A DPM that varies over less than this is unreliable.
    scale_um
        The graph divides the values by it.
    """

    channel_index: int
    channel_name: str
    unit: Literal["µm"]
    positive_direction: Direction
    range_um: tuple[float, float]
    shortest_lateral_period_um: float = Field(gt=0)
    scale_um: float = Field(gt=0)


class ZStackPlanes(Record):
    """The planes of a z-stack model, each a channel of the output.

    Attributes
    ----------
    z_um
        Distance of each from the plane of the input.
    """

    z_um: tuple[float, ...] = Field(min_length=1)
    unit: Literal["µm"]
    positive_direction: Direction


class NormalizationRule(Record):
    """How the graph scales an image."""

    rule: Normalization
    reference: str
    output_unit: str
    place: Literal["inside the graph"]


class Provenance(Record):
    """Where the weights are from.

    Attributes
    ----------
    statement
        The same in a sentence or two.
    training_data
        What the weights were trained on.
    date, code_version
        When they were trained or imported, and by which version of deepz-zoo.
    command
        What repeats the training; None for imported weights.
    weights_sha256
        Of the safetensors file that the package was made from.
    license
        Of the weights.
    """

    statement: str
    training_data: TrainingData
    date: str
    code_version: str
    command: str | None
    weights_sha256: str = Field(pattern="^[0-9a-f]{64}$")
    license: str


class AccuracyRow(Record):
    """Means on held-out simulated stacks, over both directions of one distance.

    Attributes
    ----------
    noise
        Of the input images; the ground truth has none.
    error_over_rms
        rms(image − ground truth) / rms(ground truth − background); 1 for a blank image.
    """

    noise: Noise
    distance_um: float = Field(ge=0)
    correlation: float
    error_over_rms: float = Field(ge=0)
    ssim: float


class DeepZConfig(Record):
    """For which images and distances a packaged model is meant, and how good it is there.

    Attributes
    ----------
    model
        Name in the zoo, such as ``leica20x_0.8/TxRd``.
    system
        Objective with numerical aperture and immersion, channel with its wavelength, pixel size in
        the specimen, half-range, and the aberrations that the training covered.
    dpm
        Of a surface model; None for a z-stack.
    planes
        Of a z-stack; None for a surface model.
    accuracy
        Empty for weights that were not measured.
    limits
        Where the model is known to fail, a sentence per failure mode.
    """

    format_version: Literal[1]
    model: str
    size: Size
    variant: VariantName
    system: ImagingSystem
    dpm: DpmChannel | None
    planes: ZStackPlanes | None
    normalization: NormalizationRule
    provenance: Provenance
    accuracy: tuple[AccuracyRow, ...]
    limits: tuple[str, ...]

    @model_validator(mode="after")
    def _plausible(self) -> Self:
        system = self.system
        for value, (lowest, highest), what in (
            (system.pixel_size_um, _PIXEL_SIZES_UM, "a pixel size"),
            (system.channel.emission_wavelength_um, _WAVELENGTHS_UM, "an emission wavelength"),
            (system.z_range_um / system.z_step_um, (1, _MAX_STEPS), "an axial range in steps"),
        ):
            if not lowest <= value <= highest:
                raise ValueError(f"{what} of {value:g}; expected {lowest:g} to {highest:g}")
        return self

    @model_validator(mode="after")
    def _one_variant(self) -> Self:
        if (self.dpm is None, self.planes is None) != (
            self.variant == "zstack",
            self.variant == "surface",
        ):
            raise ValueError("a surface model has a dpm, a z-stack has planes; expected one")
        return self

    @property
    def z_um(self) -> tuple[float, ...] | None:
        """ZStackPlanes of a z-stack, or None."""
        return None if self.planes is None else self.planes.z_um

    def error_at_zero(self) -> float | None:
        """Return the error/rms of the plane of the input itself at low noise, if it is stated."""
        for row in self.accuracy:
            if row.noise == "low" and row.distance_um == 0:
                return row.error_over_rms
        return None


def read_deepz_config(deepz: Mapping[str, Any]) -> DeepZConfig:
    """Read what the description of a package states as ``config.deepz``.

    Raises
    ------
    DeepZError
        If something is missing, unknown or of another kind; the message names the place.
    """
    try:
        return DeepZConfig.model_validate(dict(deepz))
    except ValidationError as error:
        raise DeepZError(first_fault(error, "config.deepz")) from error


def deepz_config_of(manifest: Manifest, variant: Variant) -> DeepZConfig:
    """Return what the package of a model states."""
    system = manifest.system
    dpm = DpmChannel(
        channel_index=1,
        channel_name=DPM_CHANNEL,
        unit="µm",
        positive_direction=UPWARD,
        range_um=(-system.z_range_um, system.z_range_um),
        shortest_lateral_period_um=SHORTEST_PERIOD_UM,
        scale_um=manifest.dpm_scale_um,
    )
    return DeepZConfig(
        format_version=1,
        model=manifest.name,
        size=manifest.size,
        variant=variant.name,
        system=system,
        dpm=dpm if variant.z_um is None else None,
        planes=_planes(variant),
        normalization=NormalizationRule(
            rule=manifest.normalization,
            reference="the input image itself",
            output_unit=output_unit(manifest),
            place="inside the graph",
        ),
        provenance=_provenance(manifest),
        accuracy=_accuracy(manifest),
        limits=failure_sentences(manifest.failure_modes),
    )


def _planes(variant: Variant) -> ZStackPlanes | None:
    if variant.z_um is None:
        return None
    return ZStackPlanes(z_um=variant.z_um, unit="µm", positive_direction=UPWARD)


def output_unit(manifest: Manifest) -> str:
    """Return in what the output of the graph is."""
    return {
        "paper": "the intensity unit of the input",
        "plugin": "integer grey levels, those of the authors' Fiji plugin for 16-bit images",
        "plugin-8bit": "integer grey levels, those of the authors' Fiji plugin for 8-bit images",
    }[manifest.normalization]


def _provenance(manifest: Manifest) -> Provenance:
    record = manifest.training or manifest.imported
    assert record is not None
    return Provenance(
        statement=manifest.provenance,
        training_data=manifest.training_data,
        date=manifest.date,
        code_version=record.code_version,
        command=manifest.training.command if manifest.training else None,
        weights_sha256=manifest.sha256,
        license=manifest.license,
    )


def _accuracy(manifest: Manifest) -> tuple[AccuracyRow, ...]:
    """Return the mean metrics of the model at each distance; the manifest holds them all."""
    accuracy = manifest.accuracy
    if accuracy is None:
        return ()
    return tuple(
        AccuracyRow(
            noise=noise,
            distance_um=dz,
            correlation=round(accuracy.correlation(dz=dz, noise=noise), 4),
            error_over_rms=round(accuracy.error_over_rms(dz=dz, noise=noise), 4),
            ssim=round(accuracy.ssim(dz=dz, noise=noise), 4),
        )
        for noise in accuracy.noises
        for dz in accuracy.distances_um
    )
