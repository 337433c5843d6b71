"""What a model loses where its network computes with fewer digits."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal, get_args

from deepz_zoo.files import Record

Precision = Literal["float32", "bfloat16", "float16"]
PRECISIONS: tuple[Precision, ...] = get_args(Precision)

ReducedPrecision = Literal["bfloat16", "float16"]
REDUCED_PRECISIONS: tuple[ReducedPrecision, ...] = get_args(ReducedPrecision)

MAX_CORRELATION_LOSS = 0.002
"""A precision that costs a model more correlation is taken only where a user names it."""


class PrecisionCost(Record):
    """What one precision costs a model, on the low-noise images of the benchmark.

    Attributes
    ----------
    precision
        Of the weights and of what the layers of the network hand on; the normalization is always
        computed in float32.
    correlation_loss
        Correlation with the ground truth in float32 less that in this precision: the largest of the
        means over the images of each distance.
    dz_um
        The distance at which it is largest.
    error_over_rms_gain
        How much larger the error relative to its rms is, at the distance where that is most.
    images
        Number of images compared.
    benchmark_version, code_version
        Of what measured it.
    """

    precision: ReducedPrecision
    correlation_loss: float
    dz_um: float
    error_over_rms_gain: float
    images: int
    benchmark_version: int
    code_version: str

    @property
    def acceptable(self) -> bool:
        """Whether the loss is small enough for the precision to be taken unasked."""
        return self.correlation_loss <= MAX_CORRELATION_LOSS


def cost_of(precision: Precision, costs: Iterable[PrecisionCost]) -> PrecisionCost | None:
    """Return what a precision costs; None if that was not measured."""
    return next((cost for cost in costs if cost.precision == precision), None)
