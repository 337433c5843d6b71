"""A larger generator that begins with what a smaller one has learned."""

from __future__ import annotations

import torch
from torch import nn

from deepz_zoo.network.config import GeneratorConfig
from deepz_zoo.network.generator import Generator

_FAINT = 0.05
"""Factor on new channels. One that began with nothing would never learn: its ReLU has no slope."""

Convolution = nn.Conv2d | nn.ConvTranspose2d


def is_grown(config: GeneratorConfig, smaller: GeneratorConfig) -> bool:
    """Tell whether a network is another one with more channels or larger up-convolutions."""
    same = config.model_copy(update={"width": smaller.width, "up_kernel": smaller.up_kernel})
    return (
        same == smaller and config.width >= smaller.width and config.up_kernel >= smaller.up_kernel
    )


def grow_from(generator: Generator, smaller: Generator) -> None:
    """Let a generator as it was initialized begin with what a smaller one computes, or nearly.

    New channels come after the trained ones and are read by nothing that was trained; what they
    hold enters the rest through the addition of Eq. (1) alone, and is faint to begin with. An
    up-convolution of 3×3 that grows from one of 2×2 computes exactly the same.

    Parameters
    ----------
    generator
        Fresh, of a configuration that `is_grown` accepts.
    smaller
        Has the trained weights.
    """
    trained = dict(smaller.named_modules())
    with torch.no_grad():
        for name, module in generator.named_modules():
            if isinstance(module, nn.Conv2d | nn.ConvTranspose2d):
                old = trained[name]
                assert isinstance(old, nn.Conv2d | nn.ConvTranspose2d)
                _grow(old, module, joined=name.startswith("up.") and name.endswith("conv1"))


def _grow(old: Convolution, new: Convolution, *, joined: bool) -> None:
    """Put the trained kernels of `old` where they belong in `new`."""
    trained, kernels = _output_first(old), _output_first(new)
    outputs, inputs, rows, columns = trained.shape
    read = torch.arange(inputs)
    if joined:  # skip connection and up-sampled tensor, one after all of the other
        read[inputs // 2 :] += (kernels.shape[1] - inputs) // 2
    kernels[:outputs] = 0
    kernels[:outputs, read, :rows, :columns] = trained
    kernels[outputs:] *= _FAINT
    assert old.bias is not None and new.bias is not None
    new.bias[:outputs] = old.bias
    new.bias[outputs:] *= _FAINT


def _output_first(convolution: Convolution) -> torch.Tensor:
    """Return the kernels as (output, input, y, x), a view of them."""
    weight = convolution.weight
    return weight.transpose(0, 1) if isinstance(convolution, nn.ConvTranspose2d) else weight
