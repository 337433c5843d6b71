"""The picture of a package: its panels and its scale bar."""

from __future__ import annotations

from pathlib import Path

import imageio.v3 as iio
import numpy as np
import pytest

from deepz_zoo.cards.picture import bar_length_um, cover_distances, write_cover
from deepz_zoo.optics import get_system
from tests.builders import drawn_example


@pytest.mark.parametrize(
    ("side_um", "length_um"), [(83.2, 20), (166.4, 20), (167, 50), (33.4, 10), (3.3, 0.5), (3.4, 1)]
)
def test_a_scale_bar_has_a_round_length(side_um: float, length_um: float) -> None:
    assert bar_length_um(side_um) == pytest.approx(length_um)


def test_the_bar_of_the_cover_is_as_long_as_it_says(tmp_path: Path) -> None:
    """A white line in the camera image, on which nothing else is as bright and as long."""
    example = drawn_example(get_system("leica20x_0.8/TxRd"))
    side_px = min(example.image.shape)
    black = [np.zeros_like(example.image) for _ in cover_distances(example.stack.system)]
    write_cover(tmp_path / "cover.png", example, black)
    cover = iio.imread(tmp_path / "cover.png")[..., 0].astype(int)
    panel = cover[: cover.shape[0] // 2, : cover.shape[1] // 4]
    runs = [max(map(len, "".join("#" if p > 250 else " " for p in row).split()), default=0)
            for row in panel[-40:]]  # fmt: skip
    length_um = bar_length_um(side_px * example.stack.system.pixel_size_um)
    expected = length_um / example.stack.system.pixel_size_um / side_px * panel.shape[1]
    assert sorted(runs)[-2] == pytest.approx(expected, abs=0.03 * panel.shape[1])
