"""The axes and the positions of an image."""

from __future__ import annotations

import numpy as np
import pytest

from deepz_zoo.images import Calibration, Image, even_step


def test_image_refuses_wrong_axes() -> None:
    with pytest.raises(ValueError, match="do not fit"):
        Image(np.zeros((3, 4, 5)), "yx")


def test_the_calibration_that_is_written() -> None:
    stack = Image(np.zeros((3, 4, 5)), "zyx", 0.325, 0.5, -0.5, ("TxRd",), 0.1)
    assert stack.calibration == Calibration(0.325, (-0.5, 0.0, 0.5), ("TxRd",), 0.1)
    assert Image(np.zeros((3, 4, 5)), "zyx").calibration.z_um is None


@pytest.mark.parametrize(
    ("z_um", "step"),
    [((0.0, 0.5, 1.0), 0.5), ((1.0, 0.9), -0.1), ((0.0, 1.0, 3.0), None), ((2.0,), None)],
)
def test_even_step(z_um: tuple[float, ...], step: float | None) -> None:
    assert even_step(z_um) == step
