"""What a model is asked on a simulated stack, and what its answer is compared with."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from deepz_zoo.evaluation.reference import ReferenceStack
from deepz_zoo.intensities import intensity_scale
from deepz_zoo.optics import get_system
from deepz_zoo.optics.psf import PsfParameters
from deepz_zoo.simulate import SimulatedStack
from deepz_zoo.simulate.camera import Exposure
from tests.evaluation.stand_ins import Identity

SYSTEM = get_system("leica20x_0.8/TxRd").model_copy(update={"z_range_um": 2.0})
STEP_UM = 0.5


@pytest.fixture
def stack() -> SimulatedStack:
    """Return a stack whose planes are a spot of another brightness each, one plane too wide."""
    y, x = np.indices((32, 32))
    spot = np.exp(-((y - 16) ** 2 + (x - 16) ** 2) / 8)
    clean = np.stack([100 + 1000 * (plane + 1) * spot for plane in range(11)]).astype(np.float32)
    noise = np.random.default_rng(0).normal(0, 3, clean.shape)
    return SimulatedStack(
        camera=np.rint(clean + noise).astype(np.uint16),
        noise_free=clean,
        z_um=np.linspace(-5, 5, 11) * STEP_UM,
        emitters_um=np.zeros((1, 3), dtype=np.float32),
        system=SYSTEM,
        specimen="beads",
        seed=1_000_000,
        psf=PsfParameters.nominal(SYSTEM),
        exposure=Exposure(peak=5000, background=0),
    )


def test_planes_beyond_the_range_are_neither_inputs_nor_targets(stack: SimulatedStack) -> None:
    reference = ReferenceStack.of(stack)
    assert reference.step_um == STEP_UM
    assert reference.planes_in_range().tolist() == list(range(1, 10))
    drawn = reference.draw_pairs(1.5, 100, np.random.default_rng(0))
    assert sorted(drawn) == [(source, source + 3) for source in range(1, 7)]
    drawn = reference.draw_pairs(-4.0, 100, np.random.default_rng(0))
    assert drawn == [(9, 1)]
    assert reference.draw_pairs(4.5, 100, np.random.default_rng(0)) == []


def test_no_more_pairs_than_asked_for_and_none_twice(stack: SimulatedStack) -> None:
    reference = ReferenceStack.of(stack)
    drawn, same, other = (reference.draw_pairs(0.5, 4, np.random.default_rng(s)) for s in (1, 1, 2))
    assert len(set(drawn)) == 4
    assert drawn == same != other


def test_the_model_gets_the_camera_image_and_the_distance_to_the_target(
    stack: SimulatedStack,
) -> None:
    model = Identity()
    images = dict(ReferenceStack.of(stack).images(model, 2, 7))
    (given,) = model.given
    np.testing.assert_array_equal(given[0, 0].numpy(), stack.camera[2])
    assert torch.all(given[0, 1] == 2.5)
    assert set(images) == {"model", "blank", "input"}
    np.testing.assert_array_equal(images["model"], stack.camera[2])
    assert np.unique(images["blank"]) == [intensity_scale(stack.noise_free[7]).background]


def test_a_deconvolution_stands_beside_the_model_when_there_is_one(stack: SimulatedStack) -> None:
    asked: list[float] = []

    def perfect(camera: NDArray[np.generic], dz_um: float) -> NDArray[np.float32]:
        asked.append(dz_um)
        return stack.noise_free[7]

    metrics = dict(ReferenceStack.of(stack, perfect).metrics(Identity(), 8, 7))
    assert asked == [-0.5]
    assert metrics["richardson_lucy"].rmse == 0
    assert metrics["model"] == metrics["input"]
    assert metrics["blank"].error_over_rms == 1


def test_another_model_gets_the_same_image_and_distance(stack: SimulatedStack) -> None:
    other = Identity()
    reference = ReferenceStack.of(stack, other=other)
    methods = [method for method, _ in reference.images(Identity(), 2, 7)]
    assert methods == ["model", "other", "blank", "input"]
    (given,) = other.given
    np.testing.assert_array_equal(given[0, 0].numpy(), stack.camera[2])
    assert torch.all(given[0, 1] == 2.5)


def test_errors_count_in_the_scale_of_the_whole_noise_free_stack(stack: SimulatedStack) -> None:
    reference = ReferenceStack.of(stack)
    assert reference.scale == intensity_scale(stack.noise_free[10]).scale
    metrics = dict(reference.metrics(Identity(), 5, 5))
    error = np.abs(stack.camera[5].astype(float) - stack.noise_free[5]).mean()
    assert metrics["model"].mae == pytest.approx(error / reference.scale)


def test_confocal_planes_that_show_nothing_are_no_targets(stack: SimulatedStack) -> None:
    """The spot of plane i is i + 1 times as bright."""
    confocal = stack.noise_free + 1
    confocal[3] = 100 + (confocal[3] - 100) / 10
    confocal[1] = 100 + (confocal[1] - 100) * 1.1
    reference = ReferenceStack.of(replace(stack, confocal=confocal))
    assert reference.targets().tolist() == [1, 2, *range(4, 10)]
    drawn = reference.draw_pairs(-0.5, 100, np.random.default_rng(0))
    assert sorted(drawn) == [(source, source - 1) for source in (2, 3, *range(5, 10))]
    assert ReferenceStack.of(stack).targets().tolist() == list(range(1, 10))


def test_confocal_planes_are_the_ground_truth(stack: SimulatedStack) -> None:
    reference = ReferenceStack.of(replace(stack, confocal=stack.noise_free[::-1].copy()))
    metrics = dict(reference.metrics(Identity(), 2, 8))
    assert metrics["model"].correlation == pytest.approx(1, abs=0.01)
    assert metrics["model"].mae == pytest.approx(
        np.abs(stack.camera[2].astype(float) - stack.noise_free[2]).mean() / reference.scale,
        rel=1e-3,
    )
