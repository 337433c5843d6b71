"""The networks against the numbers of the paper."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import nn

from deepz_zoo.network.config import GENERATOR_SIZES, GeneratorConfig
from deepz_zoo.network.discriminator import Discriminator
from deepz_zoo.network.generator import Generator
from deepz_zoo.network.layers import Conv3x3


def parameters(network: nn.Module) -> int:
    return sum(p.numel() for p in network.parameters())


def test_channel_counts_are_the_papers() -> None:
    config = GENERATOR_SIZES["paper"]
    assert config.first_channels == (25, 72, 144, 288, 576)
    assert config.second_channels == (48, 96, 192, 384, 768)
    generator = Generator(config)
    blocks: Any = generator.up
    assert [block.conv1.out_channels for block in blocks] == [72, 144, 288, 576]
    assert [block.conv2.out_channels for block in blocks] == [48, 96, 192, 384]
    assert generator.last.in_channels == 48


def test_parameter_counts() -> None:
    assert parameters(Generator(GENERATOR_SIZES["paper"])) == 17_446_556
    assert parameters(Generator(GENERATOR_SIZES["lite"])) == 1_091_503
    # The network that the authors released has 311 211 632 / 4 bytes of float32 less its index.
    released = GeneratorConfig(levels=6, padding="zeros", up_residual=True, up_kernel=3)
    assert parameters(Generator(released)) == pytest.approx(77.8e6, rel=0.001)


def test_discriminator_parameter_count() -> None:
    """Eq. (3): 48, 96, … 1536 and 96, 192, … 3072 channels, then 3072×3072 and 3072×1."""
    first = [48, 96, 192, 384, 768, 1536]
    before = [1, *(2 * c for c in first[:-1])]
    convolutions = sum(
        9 * b * c + c + 9 * c * 2 * c + 2 * c for b, c in zip(before, first, strict=True)
    )
    with torch.device("meta"):
        assert parameters(Discriminator()) == convolutions + 3072 * 3073 + 3073


def test_biases_and_weights_start_as_the_paper_says() -> None:
    generator = Generator(GENERATOR_SIZES["lite"])
    for module in generator.modules():
        if isinstance(module, nn.Conv2d | nn.ConvTranspose2d):
            assert module.bias is not None
            assert torch.all(module.bias == 0.1)
    block: Any = generator.down[4]
    deep = block.conv1.weight
    fan = 9 * (deep.shape[0] + deep.shape[1])
    assert deep.std().item() == pytest.approx((2 / fan) ** 0.5, rel=0.03)


def test_receptive_field() -> None:
    """A change at one pixel reaches as far as five levels of two 3×3 convolutions carry it.

    Down: 2 pixels a level times 1, 2, 4, 8, 16; up: the same for the four finer levels, and one
    pixel of the last convolution: 62 + 30 + 1 = 93, plus what the 2×2 blocks of pooling and
    up-convolution add, 15 on one side and 0 on the other, depending on the pixel.
    """
    torch.manual_seed(0)
    generator = Generator(GeneratorConfig(width=0.08)).eval()
    # Averages instead of maxima, and no dead units, let every path through.
    x = torch.rand(1, 2, 272, 272, requires_grad=True)
    generator(x)[0, 0, 136, 136].backward()
    assert x.grad is not None
    reached = x.grad[0].abs().sum(0) > 0
    rows = reached.any(dim=1).nonzero()
    reach = max(136 - rows.min().item(), rows.max().item() - 136)
    assert 80 < reach <= 93 + 15


@pytest.mark.parametrize(
    "config",
    [
        GeneratorConfig(width=0.1),
        GeneratorConfig(width=0.1, levels=6, padding="zeros", up_residual=True, up_kernel=3),
        GeneratorConfig(width=0.1, levels=3, skip_first=False),
    ],
)
def test_output_has_the_size_of_the_input(config: GeneratorConfig) -> None:
    x = torch.rand(2, 2, 64, 96)
    assert Generator(config)(x).shape == (2, 1, 64, 96)


def test_skip_and_residual_variants_compute_different_things() -> None:
    x = torch.rand(1, 2, 32, 32)
    outputs = []
    for changes in ({}, {"up_residual": True}, {"skip_first": False}, {"padding": "zeros"}):
        torch.manual_seed(0)
        outputs.append(Generator(GeneratorConfig(width=0.1, levels=3, **changes))(x))
    for other in outputs[1:]:
        assert not torch.allclose(outputs[0], other)


@pytest.mark.parametrize("memory_format", [torch.contiguous_format, torch.channels_last])
def test_training_pads_and_differentiates_as_torch_does(memory_format: torch.memory_format) -> None:
    torch.manual_seed(1)
    convolution = Conv3x3(3, 4, "replicate").double()
    x = torch.rand(2, 3, 5, 7, dtype=torch.float64).contiguous(memory_format=memory_format)
    gradients = []
    for pad_by_torch in (False, True):
        leaf = x.clone().requires_grad_()
        if pad_by_torch:
            padded = nn.functional.pad(leaf, (1, 1, 1, 1), mode="replicate")
            out = nn.functional.conv2d(padded, convolution.weight, convolution.bias)
        else:
            out = convolution(leaf)
        (out * torch.arange(out.numel()).view_as(out)).sum().backward()
        gradients.append((out.detach(), leaf.grad))
    for ours, theirs in zip(*gradients, strict=True):
        assert torch.allclose(ours, theirs)


@pytest.mark.parametrize("size", [(5, 7), (1, 1), (1, 6), (2, 2)])
@pytest.mark.parametrize("memory_format", [torch.contiguous_format, torch.channels_last])
def test_inference_pads_as_torch_does(
    size: tuple[int, int], memory_format: torch.memory_format
) -> None:
    torch.manual_seed(2)
    convolution = Conv3x3(3, 4, "replicate").double()
    x = torch.rand(2, 3, *size, dtype=torch.float64).contiguous(memory_format=memory_format)
    padded = nn.functional.pad(x, (1, 1, 1, 1), mode="replicate")
    with torch.inference_mode():
        ours = convolution(x)
    theirs = nn.functional.conv2d(padded, convolution.weight, convolution.bias)
    assert torch.allclose(ours, theirs, rtol=1e-12)


def test_discriminator_scores_lie_between_zero_and_one() -> None:
    score = Discriminator(width=1 / 24)(torch.randn(3, 1, 128, 128))
    assert score.shape == (3, 1)
    assert ((score > 0) & (score < 1)).all()
