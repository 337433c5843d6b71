"""Indices are drawn as often as their weights say."""

import torch

from deepz_zoo.training.draws import Draws


def test_indices_are_drawn_by_their_weights_in_each_row() -> None:
    images = 20_000
    draws = Draws(torch.Generator().manual_seed(0), images)
    rows = torch.tensor([[1.0, 0.0, 3.0], [0.0, 5.0, 0.0]]).repeat(images // 2, 1)
    drawn = draws.index(rows)
    assert drawn.shape == (images, 1, 1)
    first, second = drawn[::2, 0, 0], drawn[1::2, 0, 0]
    shares = torch.bincount(first, minlength=3) / len(first)
    # Of 10 000, a share of 1/4 has a standard deviation of 0.0043.
    torch.testing.assert_close(shares, torch.tensor([0.25, 0.0, 0.75]), atol=0.02, rtol=0)
    assert (second == 1).all()
