"""Sample images that show the progress of a training."""

from __future__ import annotations

import numpy as np
import torch

from deepz_zoo.training.samples import is_milestone, picture


def test_a_row_is_input_refocused_and_ground_truth() -> None:
    ramp = torch.linspace(0, 1, 32 * 32).reshape(1, 1, 32, 32).repeat(5, 1, 1, 1)
    drawn = picture(1000 * ramp, 0.5 * ramp, ramp)
    assert drawn.dtype == np.uint8
    assert drawn.shape == (4 * 32, 3 * 32), "four pairs at most"
    image, refocused, target = np.hsplit(drawn[:32].astype(int), 3)
    assert np.abs(image - target).max() <= 1, "the input has its own range"
    assert np.abs(2 * refocused - target)[target < 250].max() <= 6, "the output has the target's"


def test_milestones_thin_out() -> None:
    kept = [n for n in range(1, 401) if is_milestone(n)]
    assert kept[:50] == list(range(1, 51))
    assert [n for n in kept if n > 50] == [
        *range(52, 101, 2), *range(104, 201, 4), *range(208, 401, 8)
    ]  # fmt: skip
