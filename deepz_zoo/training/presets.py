"""Named settings of a training run."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field, model_validator

from deepz_zoo.network.config import PRESETS as GENERATORS
from deepz_zoo.network.config import GeneratorConfig


class TrainingSettings(BaseModel):
    """Everything that a run can be told.

    Attributes
    ----------
    patch_px
        Side of a training patch; 160 px at 0.325 µm hold a bead at 10 µm of defocus.
    small_patch_px, small_share
        Share of the batches that are made of smaller patches, for the distances that they hold;
        more of them fit into the same time. The others take the longer distances.
    warmup_steps, decay_fraction
        The learning rate rises over the first steps, stays, and falls to zero over the last
        fraction of `max_steps`; a run may be prolonged before it falls.
    average
        Decay of the exponential moving average of the weights, which are what is kept.
    lone_image_share
        Share of the pairs whose scale comes from the input image itself, as at inference; the
        others take the scale of the whole stack, as in the paper's training.
    validate_every
        Steps between validations.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    generator: GeneratorConfig
    stacks: int = Field(default=600, ge=2)
    stack_px: int = Field(default=256, ge=32)
    max_steps: int = Field(default=60_000, ge=1)
    batch_size: int = Field(default=16, ge=1)
    patch_px: int = Field(default=160, ge=32, multiple_of=16)
    small_patch_px: int = Field(default=96, ge=32, multiple_of=16)
    small_share: float = Field(default=0.6, ge=0, le=1)
    learning_rate: float = 1.5e-3
    warmup_steps: int = 500
    decay_fraction: float = Field(default=0.3, ge=0, le=1)
    weight_decay: float = 1e-4
    average: float = Field(default=0.999, ge=0, lt=1)
    lone_image_share: float = Field(default=0.75, ge=0, le=1)
    validate_every: int = Field(default=1000, ge=1)
    validation_pairs: int = Field(default=60, ge=1)

    @model_validator(mode="after")
    def _patches_fit(self) -> TrainingSettings:
        if not self.small_patch_px <= self.patch_px <= self.stack_px:
            raise ValueError(
                f"patches of {self.small_patch_px} and {self.patch_px} px from stacks of "
                f"{self.stack_px} px; expected small ones, large ones, stacks in ascending order"
            )
        return self


PRESETS = {
    "lite": TrainingSettings(generator=GENERATORS["lite"]),
    "paper": TrainingSettings(
        generator=GENERATORS["paper"],
        batch_size=20,
        patch_px=256,
        small_patch_px=160,
        learning_rate=4e-4,
    ),
}
