from __future__ import annotations

import pytest
from pydantic import ValidationError

from deepz_zoo.records.dataset import PreparationSettings


def test_the_defaults_are_the_numbers_of_the_paper() -> None:
    settings = PreparationSettings()
    assert settings.region_px == 256
    assert settings.overlap == 0.05
    assert settings.planes_each_side == 20
    assert settings.validation_fraction == 0.15
    assert 5 <= settings.targets <= 10
    assert 150 <= settings.targets * (2 * settings.planes_each_side + 1) <= 300


@pytest.mark.parametrize(
    "change",
    [
        {"region_px": 16},
        {"overlap": 0.5},
        {"planes_each_side": 1},
        {"targets": 0},
        {"validation_fraction": 1.0},
        {"mask_low": 0.5, "mask_high": 0.3},
        {"align": "sift"},
        {"regoin_px": 64},
    ],
)
def test_impossible_settings_are_refused(change) -> None:
    with pytest.raises(ValidationError):
        PreparationSettings(**change)
