"""A network that grew computes what the smaller one did, and can learn with all of it."""

import pytest
import torch

from deepz_zoo.network.config import GeneratorConfig
from deepz_zoo.network.generator import Generator
from deepz_zoo.network.growth import grow_from, is_grown

SMALL = GeneratorConfig(width=0.125, levels=3)


def _grown(config: GeneratorConfig) -> tuple[Generator, Generator, torch.Tensor]:
    torch.manual_seed(0)
    small, large = Generator(SMALL), Generator(config)
    grow_from(large, small)
    return small, large, torch.randn(2, 2, 32, 48)


def test_larger_up_convolutions_compute_the_same_exactly() -> None:
    small, large, image = _grown(SMALL.model_copy(update={"up_kernel": 3}))
    assert large.get_submodule("up.0.up").get_parameter("weight").shape[2:] == (3, 3)
    torch.testing.assert_close(large(image), small(image), rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("skip_first", [True, False])
def test_a_wider_network_computes_almost_the_same(skip_first: bool) -> None:
    config = SMALL.model_copy(update={"skip_first": skip_first})
    torch.manual_seed(0)
    small, large = Generator(config), Generator(config.model_copy(update={"width": 0.2}))
    image = torch.randn(2, 2, 32, 48)
    fresh = large(image)
    grow_from(large, small)
    before, after = small(image), large(image)
    assert (after - before).std() < 0.1 * before.std()
    assert (fresh - before).std() > before.std()


def test_every_new_weight_can_learn() -> None:
    _, large, image = _grown(SMALL.model_copy(update={"width": 0.25, "up_kernel": 3}))
    large(image).square().mean().backward()
    for name, parameter in large.named_parameters():
        assert parameter.grad is not None and parameter.grad.abs().max() > 0, name


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"width": 0.25}, True),
        ({"up_kernel": 3}, True),
        ({"width": 0.1}, False),
        ({"levels": 4}, False),
        ({"padding": "zeros", "width": 0.25}, False),
    ],
)
def test_what_counts_as_grown(change: dict[str, object], expected: bool) -> None:
    assert is_grown(SMALL.model_copy(update=change), SMALL) is expected
