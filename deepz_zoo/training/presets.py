"""Named settings of a training run."""

from __future__ import annotations

from typing import Any

from pydantic import Field, ValidationError, model_validator

from deepz_zoo.errors import DeepZError
from deepz_zoo.files import Record
from deepz_zoo.network.config import GENERATOR_SIZES, GeneratorConfig
from deepz_zoo.network.losses import AlphaWeighs

MAX_NUMBER = 1_000_000_000
"""Of stacks, iterations, pixels and so on: larger numbers do not fit into the counters of torch."""


class TrainingSettings(Record):
    """The settings of a run: the network, the data and the optimization.

    Attributes
    ----------
    adversarial
        Train against a discriminator by Eqs. (4) and (5) of the paper; otherwise by `RelativeLoss`.
    stacks, stack_px
        Number of simulated stacks, and the side of their planes.
    max_steps
        Number of iterations. An iteration uses one batch per process; in adversarial training it
        makes `generator_updates` and `discriminator_updates` with it.
    max_minutes
        Time after which a training ends, if `max_steps` have not been made; None for no limit. A
        resumed one has it anew. How far a run comes, and so its result, depends on the machine.
    batch_size
        Patches per iteration and process.
    patch_px
        Side of a training patch; 160 px of 0.325 µm hold a bead at 10 µm of defocus.
    small_patch_px, small_fraction
        Side of smaller patches, and the fraction of the batches made of them. They hold only the
        shorter distances, but take less time; the other batches have the longer distances.
    learning_rate, discriminator_rate
        Learning rates of the two networks; the second one in adversarial training only.
    warmup_steps, decay_fraction
        The learning rate rises over the first steps, stays, and falls to zero over the last
        fraction of `max_steps`, or of `max_minutes` if they end before; a run may be prolonged
        before it falls. Adversarial training keeps its rates.
    alpha, alpha_weighs
        α of Eq. (4) and the term that it multiplies, see `AdversarialGeneratorLoss`.
    average
        Decay of the exponential moving average of the weights, which is kept; 0 keeps the weights
        themselves.
    single_image_fraction
        Fraction of the pairs whose scale comes from the input image itself, as at inference; the
        others take the scale of the whole stack, as in the paper's training. With 0 the validation
        also takes the scale of the stack.
    scale_jitter, background_jitter
        Standard deviation of random changes of the scale (in natural logarithm) and of the
        background (as a fraction of the scale): a single image of a user shows more or less of a
        specimen than a training stack does.
    in_focus_fraction
        Fraction of the simulated pairs whose target is drawn by its contrast, near focus.
    surface_fraction
        Fraction of the large simulated patches whose DPM is tilted or curved, with the target
        interpolated between planes.
    artifact_fraction
        Fraction of the simulated patches with a hot pixel or with columns of zeros at an edge.
    turn
        Whether patches are turned and flipped: right for a model of many instruments, wrong for a
        model of one whose point-spread function is not symmetric.
    simulated_fraction
        Fraction of the patches that are simulated, in a run that has prepared datasets as well.
    validate_every
        Iterations between validations.
    validation_pairs
        Number of pairs of a validation, always the same.
    """

    generator: GeneratorConfig
    adversarial: bool = False
    stacks: int = Field(default=600, ge=2, le=MAX_NUMBER)
    stack_px: int = Field(default=256, ge=32, le=MAX_NUMBER)
    max_steps: int = Field(default=60_000, ge=1, le=MAX_NUMBER)
    max_minutes: float | None = Field(default=None, gt=0)
    batch_size: int = Field(default=16, ge=1, le=MAX_NUMBER)
    patch_px: int = Field(default=160, ge=32, le=MAX_NUMBER, multiple_of=16)
    small_patch_px: int = Field(default=96, ge=32, le=MAX_NUMBER, multiple_of=16)
    small_fraction: float = Field(default=0.6, ge=0, le=1)
    learning_rate: float = Field(default=1.5e-3, gt=0)
    discriminator_rate: float = Field(default=3e-5, gt=0)
    warmup_steps: int = Field(default=500, ge=1, le=MAX_NUMBER)
    decay_fraction: float = Field(default=0.3, ge=0, le=1)
    weight_decay: float = 1e-4
    generator_updates: int = Field(default=6, ge=1, le=MAX_NUMBER)
    discriminator_updates: int = Field(default=3, ge=1, le=MAX_NUMBER)
    alpha: float = Field(default=0.02, ge=0)
    alpha_weighs: AlphaWeighs = "mae"
    average: float = Field(default=0.999, ge=0, lt=1)
    single_image_fraction: float = Field(default=0.75, ge=0, le=1)
    scale_jitter: float = Field(default=0.2, ge=0)
    background_jitter: float = Field(default=0.02, ge=0)
    in_focus_fraction: float = Field(default=0.5, ge=0, le=1)
    surface_fraction: float = Field(default=0.2, ge=0, le=1)
    artifact_fraction: float = Field(default=0.1, ge=0, le=1)
    turn: bool = True
    simulated_fraction: float = Field(default=0.5, gt=0, lt=1)
    validate_every: int = Field(default=1000, ge=1, le=MAX_NUMBER)
    validation_pairs: int = Field(default=60, ge=1, le=MAX_NUMBER)

    @model_validator(mode="after")
    def _patches_fit(self) -> TrainingSettings:
        if not self.small_patch_px <= self.patch_px <= self.stack_px:
            raise ValueError(
                f"patches of {self.small_patch_px} and {self.patch_px} px from stacks of "
                f"{self.stack_px} px; expected ascending sizes of small patches, patches and stacks"
            )
        return self

    @property
    def updates(self) -> int:
        """Updates of either network in one iteration."""
        return self.generator_updates + self.discriminator_updates if self.adversarial else 1


_PAPER_GENERATOR_RATE = 1e-4

TRAINING_PRESETS = {
    "lite": TrainingSettings(generator=GENERATOR_SIZES["lite"]),
    "half": TrainingSettings(generator=GENERATOR_SIZES["half"], learning_rate=1e-3),
    # The published network, trained as the smaller ones are.
    "full": TrainingSettings(
        generator=GENERATOR_SIZES["paper"], patch_px=256, small_patch_px=128, learning_rate=6e-4
    ),
    # Exactly as in the Methods, "Training and testing of the Deep-Z network".
    "paper": TrainingSettings(
        generator=GENERATOR_SIZES["paper"],
        adversarial=True,
        max_steps=400_000,
        batch_size=20,
        patch_px=256,
        small_patch_px=256,
        small_fraction=0,
        learning_rate=_PAPER_GENERATOR_RATE,
        average=0,
        single_image_fraction=0,
        scale_jitter=0,
        background_jitter=0,
        in_focus_fraction=0,
        surface_fraction=0,
        artifact_fraction=0,
        validate_every=50,
    ),
}


def choose_settings(preset: str, changes: dict[str, Any]) -> TrainingSettings:
    """Return the settings of a preset with changes.

    A preset that `changes` make adversarial takes the paper's learning rate for its generator.

    Parameters
    ----------
    preset
        A key of `TRAINING_PRESETS`.
    changes
        Fields of `TrainingSettings`, and ``up_kernel`` of its generator.

    Raises
    ------
    DeepZError
        If a value is out of its range, or the values do not go together.
    """
    settings = TRAINING_PRESETS[preset].model_dump()
    if changes.get("adversarial") and not settings["adversarial"]:
        settings["learning_rate"] = _PAPER_GENERATOR_RATE
    changes = dict(changes)
    if "up_kernel" in changes:
        settings["generator"]["up_kernel"] = changes.pop("up_kernel")
    try:
        return TrainingSettings.model_validate(settings | changes)
    except ValidationError as error:
        first = error.errors()[0]
        named = ", ".join(f"`{name}` {changes.get(str(name))}" for name in first["loc"])
        reason = first["msg"].removeprefix("Value error, ")
        raise DeepZError(f"{named}: {reason}" if named else reason) from None
