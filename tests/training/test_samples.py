"""Sample images that show the progress of a training."""

from __future__ import annotations

import numpy as np
import torch

from deepz_zoo.training.samples import is_milestone, picture

LABEL_PX = 16


def test_a_row_is_input_refocused_and_ground_truth() -> None:
    ramp = torch.linspace(0, 1, 32 * 32).reshape(1, 1, 32, 32).repeat(5, 1, 1, 1)
    drawn = picture(1000 * ramp, 0.5 * ramp, ramp, [1.0, -2.0, 0.0, 3.0, 4.0])
    assert drawn.dtype == np.uint8
    assert drawn.shape == (4 * (LABEL_PX + 32), 3 * 32), "four pairs at most"
    image, refocused, target = np.hsplit(drawn[LABEL_PX : LABEL_PX + 32].astype(int), 3)
    assert np.abs(image - target).max() <= 1, "the input has its own range"
    assert np.abs(2 * refocused - target)[target < 250].max() <= 6, "the output has the target's"


def test_the_label_of_a_row_is_its_distance() -> None:
    images = torch.zeros(3, 1, 64, 64)
    drawn = picture(images, images, images, [2.5, -2.5, 2.5])
    labels = [drawn[row * (LABEL_PX + 64) :][:LABEL_PX] for row in range(3)]
    assert all(part.max() > 200 for label in labels for part in np.hsplit(label, 3))
    np.testing.assert_array_equal(labels[0], labels[2])
    assert (labels[0][:, 64:128] != labels[1][:, 64:128]).any()
    np.testing.assert_array_equal(labels[0][:, :64], labels[1][:, :64])


def test_milestones_thin_out() -> None:
    kept = [n for n in range(1, 401) if is_milestone(n)]
    assert kept[:50] == list(range(1, 51))
    assert [n for n in kept if n > 50] == [
        *range(52, 101, 2), *range(104, 201, 4), *range(208, 401, 8)
    ]  # fmt: skip
