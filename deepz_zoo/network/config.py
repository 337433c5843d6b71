"""The size and the variants of the generator."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

Normalization = Literal["paper", "plugin", "plugin-8bit"]

_DOWN_1 = (25, 72, 144, 288, 576, 1152)
_DOWN_2 = (48, 96, 192, 384, 768, 1536)


class GeneratorConfig(BaseModel):
    """Settings of the generator; the defaults are the network of the paper's Methods.

    Attributes
    ----------
    width
        Factor on every channel count; 1 is the paper's.
    levels
        Down-sampling blocks: 5 in the paper, 6 in the network that its authors released.
    padding
        Padding of the 3×3 convolutions: ``"replicate"`` in the paper, ``"zeros"`` as released.
    up_residual
        Add the up-sampled tensor to the output of its up block, as released.
    up_kernel
        Size of the transposed convolutions: 2 gives the paper's 17.4 million parameters; 3 as
        released (no padding, last row and column dropped).
    skip_first
        Concatenate the skip connection before the up-sampled tensor, as Eq. (2) writes it;
        as released, it comes second.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    width: float = Field(default=1.0, gt=0, le=2)
    levels: int = Field(default=5, ge=2, le=6)
    padding: Literal["replicate", "zeros"] = "replicate"
    up_residual: bool = False
    up_kernel: Literal[2, 3] = 2
    skip_first: bool = True

    def _scaled(self, channels: tuple[int, ...]) -> tuple[int, ...]:
        return tuple(max(1, round(self.width * c)) for c in channels[: self.levels])

    @property
    def first_channels(self) -> tuple[int, ...]:
        """Channels after the first convolution of each down block: 25, 72, 144, 288, 576."""
        return self._scaled(_DOWN_1)

    @property
    def second_channels(self) -> tuple[int, ...]:
        """Channels after the second convolution of each down block: 48, 96, 192, 384, 768."""
        return self._scaled(_DOWN_2)

    @property
    def multiple(self) -> int:
        """Image sides must be a multiple of this many pixels: 16 for five levels."""
        return 1 << (self.levels - 1)


GENERATOR_SIZES = {
    "lite": GeneratorConfig(width=0.25),
    "half": GeneratorConfig(width=0.5),
    "paper": GeneratorConfig(),
}

# The network that the method's authors released; it differs from the one that they published.
RELEASED = GeneratorConfig(
    levels=6, padding="zeros", up_residual=True, up_kernel=3, skip_first=False
)
