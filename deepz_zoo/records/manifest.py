"""What the zoo says of a model: its optics, its network, how it was trained, how good it is."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, model_validator
from typing_extensions import Self

from deepz_zoo.files import Record
from deepz_zoo.network.config import GENERATOR_SIZES, RELEASED, GeneratorConfig, Normalization
from deepz_zoo.optics import ImagingSystem
from deepz_zoo.records.accuracy import Accuracy
from deepz_zoo.records.failure_modes import FailureMode, failure_modes
from deepz_zoo.records.limits import MeasuredLimits
from deepz_zoo.records.measured_stack import MeasuredStack
from deepz_zoo.records.precision import PrecisionCost
from deepz_zoo.records.training import TrainingData, TrainingRecord

Size = Literal["lite", "half", "paper", "released", "custom"]

LICENSE = "BSD-3-Clause"
AUTHORS_LICENSE = "authors' weights, non-commercial research use, not to be redistributed"

_TRAINED_ON: dict[TrainingData, str] = {
    "simulated": "simulated wide-field stacks of this objective",
    "measured": "z-stacks prepared from files",
    "both": "z-stacks prepared from files and simulated wide-field stacks of this objective",
}
_CONFOCAL = " and confocal ones of the same places"
_STARTED_WITH: dict[TrainingData | None, str] = {
    "simulated": "weights trained on simulated stacks",
    "measured": "weights trained on z-stacks prepared from files",
    "both": "weights trained on z-stacks prepared from files and on simulated ones",
    None: "weights of another training",
}
_WHOSE = "These are not the weights of the method's authors."
_TERMS = "For non-commercial research use only; not to be redistributed."


class Citation(Record):
    """A publication to cite."""

    text: str
    doi: str


DEEP_Z = Citation(
    text=(
        "Wu, Y., Rivenson, Y., Wang, H. et al. Three-dimensional virtual refocusing of "
        "fluorescence microscopy images using deep learning. Nature Methods 16, 1323–1331 (2019)"
    ),
    doi="10.1038/s41592-019-0622-5",
)


class ImportRecord(Record):
    """Where weights are from that the method's authors trained.

    Attributes
    ----------
    folder
        Name of the folder of their download.
    sha256
        Hashes of the checkpoint's files.
    stored_as
        Type of the weights in the safetensors file; the authors' are float32.
    date, code_version
        When the weights were imported, and by which version of this project.
    """

    folder: str
    sha256: dict[str, str]
    stored_as: Literal["float32", "float16"]
    date: str
    code_version: str


class Manifest(Record):
    """One model of the zoo: everything about it except the weights themselves.

    Attributes
    ----------
    format_version
        Version of this description.
    size
        ``paper``, ``half`` and ``lite`` have the published number of channels, half and a quarter
        of it; ``released`` is the network of the method's authors; any other is ``custom``.
    system
        Objective, channel, sampling and axial range that the model is for.
    generator
        Architecture of the network behind the weights.
    dpm_scale_um
        The DPM in µm is divided by this number inside the graph.
    normalization
        The rule that scales the image inside the graph: ``paper`` is the paper's Methods, with the
        single image itself as the reference; ``plugin`` and ``plugin-8bit`` are what the authors'
        Fiji plugin does to images of 16 and of 8 bits.
    training_data
        Whether the model saw simulated stacks, stacks prepared from files, or both.
    training
        Record of the training run; None for imported weights.
    imported
        Where imported weights are from; None for those of a training run.
    accuracy
        Accuracy on held-out simulated stacks; None for weights that were not evaluated.
    limits
        Accuracy where a condition leaves what the model was trained on; None if not measured.
    measured
        Accuracy on acquired stacks.
    precisions
        What it costs to compute with fewer digits; empty if not measured.
    sha256
        SHA-256 of the safetensors file.
    license
        SPDX identifier of the weights' license, or `AUTHORS_LICENSE`.
    citations
        What to cite when using the model.
    """

    format_version: Literal[1] = 1
    size: Size
    system: ImagingSystem
    generator: GeneratorConfig
    dpm_scale_um: float = Field(default=10.0, gt=0)
    normalization: Normalization = "paper"
    training_data: TrainingData = "simulated"
    training: TrainingRecord | None
    imported: ImportRecord | None = None
    accuracy: Accuracy | None = None
    limits: MeasuredLimits | None = None
    measured: tuple[MeasuredStack, ...] = ()
    precisions: tuple[PrecisionCost, ...] = ()
    sha256: str = Field(pattern="^[0-9a-f]{64}$")
    license: str = LICENSE
    citations: tuple[Citation, ...] = (DEEP_Z,)

    @model_validator(mode="after")
    def _one_origin(self) -> Self:
        if (self.training is None) == (self.imported is None):
            raise ValueError("weights are either trained or imported; expected one record")
        return self

    @property
    def name(self) -> str:
        """The model's name, such as ``leica20x_0.8/TxRd``."""
        return self.system.name

    @property
    def provenance(self) -> str:
        """What the model was trained on, and whose weights these are.

        It goes wherever the model or its images go, as the license does: into packages, cards and
        refocused files.
        """
        if self.training is None:
            return f"The weights of the method's authors. {_TERMS}"
        start = self.training.start
        before = "" if start is None else f", beginning with {_STARTED_WITH[start.training_data]}"
        targets = _CONFOCAL if self.system.confocal is not None else ""
        trained = f"Trained on {_TRAINED_ON[self.training_data]}{targets}{before}."
        if self.restricted:
            return f"{trained} It began with weights of the method's authors. {_TERMS}"
        return f"{trained} {_WHOSE}"

    @property
    def date(self) -> str:
        """When the weights were trained or imported."""
        record = self.training or self.imported
        assert record is not None
        return record.date

    @property
    def restricted(self) -> bool:
        """Whether the weights are under the terms of the method's authors."""
        return self.license == AUTHORS_LICENSE

    @property
    def failure_modes(self) -> tuple[FailureMode, ...]:
        """The ways in which the model is known to fail, with what was measured of them."""
        return failure_modes(self.system, self.limits)


def generator_size(config: GeneratorConfig) -> Size:
    """Return which of the known generators one is, or ``custom``."""
    known: dict[Size, GeneratorConfig] = {
        "paper": GENERATOR_SIZES["paper"],
        "half": GENERATOR_SIZES["half"],
        "lite": GENERATOR_SIZES["lite"],
        "released": RELEASED,
    }
    return next((size for size, settings in known.items() if settings == config), "custom")
