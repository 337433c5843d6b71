"""What the zoo says of a model: its optics, its network, how it was trained, how good it is."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from deepz_zoo.analysis.accuracy import Accuracy
from deepz_zoo.network.config import PRESETS, GeneratorConfig
from deepz_zoo.optics import ImagingSystem
from deepz_zoo.training.record import TrainingData, TrainingRecord

Size = Literal["lite", "paper", "custom"]

_TRAINED_ON: dict[TrainingData, str] = {
    "simulated": "simulated wide-field stacks of this objective",
    "measured": "z-stacks prepared from files",
    "both": "z-stacks prepared from files and simulated wide-field stacks of this objective",
}
_STARTED_WITH: dict[TrainingData | None, str] = {
    "simulated": "weights trained on simulated stacks",
    "measured": "weights trained on z-stacks prepared from files",
    "both": "weights trained on z-stacks prepared from files and on simulated ones",
    None: "weights of another training",
}
_WHOSE = "These are not the weights of the method's authors."


class Citation(BaseModel):
    """A publication to cite."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    text: str
    doi: str


DEEP_Z = Citation(
    text=(
        "Wu, Y., Rivenson, Y., Wang, H. et al. Three-dimensional virtual refocusing of "
        "fluorescence microscopy images using deep learning. Nature Methods 16, 1323–1331 (2019)"
    ),
    doi="10.1038/s41592-019-0622-5",
)


class Manifest(BaseModel):
    """One model of the zoo: everything about it but the numbers of its weights.

    Attributes
    ----------
    format_version
        Version of this description.
    size
        ``paper`` and ``lite`` are the presets of the generator; any other one is ``custom``.
    system
        Objective, channel, sampling and axial range that the model is for.
    generator
        Architecture of the network behind the weights.
    dpm_scale_um
        The DPM in µm is divided by this number inside the graph.
    normalization
        The rule that scales the image inside the graph: ``paper`` is the paper's Methods, with the
        lone image itself as the reference.
    training_data
        Whether the model saw simulated stacks, stacks prepared from files, or both.
    training
        Record of the training run.
    accuracy
        Accuracy on held-out simulated stacks; None for weights that were not evaluated.
    sha256
        SHA-256 of the safetensors file.
    license
        SPDX identifier of the weights' licence.
    citations
        What to cite when using the model.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    format_version: Literal[1] = 1
    size: Size
    system: ImagingSystem
    generator: GeneratorConfig
    dpm_scale_um: float = Field(default=10.0, gt=0)
    normalization: Literal["paper"] = "paper"
    training_data: TrainingData = "simulated"
    training: TrainingRecord
    accuracy: Accuracy | None = None
    sha256: str = Field(pattern="^[0-9a-f]{64}$")
    license: str = "BSD-3-Clause"
    citations: tuple[Citation, ...] = (DEEP_Z,)

    @property
    def name(self) -> str:
        """The model's name, such as ``leica20x_0.8/TxRd``."""
        return self.system.name

    @property
    def provenance(self) -> str:
        """One sentence on what the model was trained with, for every place that describes it."""
        start = self.training.start
        before = "" if start is None else f", beginning with {_STARTED_WITH[start.training_data]}"
        return f"Trained on {_TRAINED_ON[self.training_data]}{before}. {_WHOSE}"

    @property
    def limits(self) -> tuple[str, ...]:
        """Where the model is known to fail, a sentence each."""
        reach = self.system.z_range_um
        return (
            f"It refocuses from -{reach:g} to +{reach:g} µm; further out it was never trained.",
            "DPMs that vary laterally over fewer than 100 pixels are unreliable.",
            "Planes with little signal above their noise come back dim or empty.",
            "It learned one sign of spherical aberration: on a microscope or mount with the "
            "opposite sign it refocuses the wrong way.",
        )


def generator_size(config: GeneratorConfig) -> Size:
    """Return which preset a generator is, or ``custom``."""
    if config == PRESETS["paper"]:
        return "paper"
    return "lite" if config == PRESETS["lite"] else "custom"
