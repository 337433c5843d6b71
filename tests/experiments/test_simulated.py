"""What experiments simulate: deep stacks, and specimens under uneven light."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from deepz_zoo.experiments.catalogue import get_experiment
from deepz_zoo.experiments.illumination import IlluminationResult, illuminated
from deepz_zoo.experiments.subject import Subject
from deepz_zoo.optics import psf
from deepz_zoo.simulate.specimens import Emitters
from tests.builders import SYSTEM
from tests.evaluation.stand_ins import Identity

SHALLOW = SYSTEM.model_copy(update={"z_range_um": 2.0})


class Small(Subject):
    """A subject whose images take no time."""

    @property
    def shape_px(self) -> tuple[int, int]:
        return 48, 48


@pytest.fixture(autouse=True)
def coarse_pupil(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(psf, "_PUPIL_PX", 128)


def test_light_varies_along_x() -> None:
    x_um = torch.tensor([0.0, 2.5, 5.0, 10.0])
    positions = torch.stack([torch.zeros(4), torch.ones(4), x_um], dim=1)
    emitters = Emitters(positions, torch.full((4,), 2.0), torch.ones(4))
    light = illuminated(emitters, 0.5, period_um=10).light
    assert light.tolist() == pytest.approx([3, 2, 1, 3], abs=1e-6)
    assert illuminated(emitters, 0, period_um=10).light.tolist() == [2] * 4


def test_even_light_is_the_same_for_every_period() -> None:
    result = get_experiment("illumination").run(Small(Identity(), SHALLOW, quick=True))
    assert isinstance(result, IlluminationResult)
    width_um = 48 * SHALLOW.pixel_size_um
    periods = [curve.period_um for curve in result.curves]
    assert periods == pytest.approx([width_um, width_um / 4, width_um / 16], abs=1e-3)
    even = [curve.points[0].model for curve in result.curves]
    assert even[0] == even[1] == even[2]
    modulated = {curve.points[-1].model.correlation for curve in result.curves}
    assert len(modulated) == 3


def test_stacks_may_go_beyond_the_range() -> None:
    (planes,) = Small(Identity(), SHALLOW).stacks(("beads",), z_range_um=4)
    assert planes.z_um[[0, -1]].tolist() == [-4, 4]
    assert planes.camera.shape == (17, 48, 48)
    # beyond the range of the specimen nothing is as sharp as within it
    contrast = planes.ground_truth.std(axis=(1, 2))
    assert math.isclose(planes.z_um[int(np.argmax(contrast))], 0, abs_tol=3.0)
    pairs = planes.draw_pairs(4, 50, np.random.default_rng(0), within_um=2)
    assert {round(float(planes.z_um[target]), 6) for _, target in pairs} == set(
        np.arange(0, 2.1, 0.5).tolist()
    )
