"""Each check passes for an oracle and fails for the fault that it is named after."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest

from deepz_zoo.engines.engine import Engine, Tensor
from deepz_zoo.package.checks import behavior
from deepz_zoo.package.checks.behavior import KnownStack, check_behavior
from tests.builders import FunctionEngine

HALF_RANGE_UM = 10.0


class Oracle(Engine):
    """Finds the plane that the input was taken from and returns the known plane at the DPM."""

    def __init__(self, known_stack: KnownStack) -> None:
        self.known_stack = known_stack

    def run(self, tensors: Sequence[Tensor]) -> list[Tensor]:
        return [self.refocus(*tensor[0])[None, None].astype(np.float32) for tensor in tensors]

    def refocus(self, image: np.ndarray, dpm: np.ndarray) -> np.ndarray:
        found = np.flatnonzero((self.known_stack.camera == image).all(axis=(1, 2)))
        if not len(found):  # not an image of the known_stack: nothing to see
            return np.zeros_like(image)
        wanted = self.known_stack.z_um[found[0]] + self.distance(dpm)
        return self.known_stack.ground_truth[self.known_stack.plane(wanted)]

    def distance(self, dpm: np.ndarray) -> float:
        return float(dpm.mean())


class IgnoresDpm(Oracle):
    def distance(self, dpm: np.ndarray) -> float:
        return 0.0


class ChannelsSwapped(Oracle):
    def refocus(self, image: np.ndarray, dpm: np.ndarray) -> np.ndarray:
        return super().refocus(dpm, image)


class SignFlipped(Oracle):
    def distance(self, dpm: np.ndarray) -> float:
        return -float(dpm.mean())


class SignIgnored(Oracle):
    """Takes the absolute value of the DPM as the way into focus."""

    def refocus(self, image: np.ndarray, dpm: np.ndarray) -> np.ndarray:
        found = np.flatnonzero((self.known_stack.camera == image).all(axis=(1, 2)))
        above = len(found) > 0 and self.known_stack.z_um[found[0]] > 0
        return super().refocus(image, -np.abs(dpm) if above else np.abs(dpm))


class NotInMicrometers(Oracle):
    """Takes the DPM for a number from -1 to 1 of the range, so that all of it is too far."""

    def distance(self, dpm: np.ndarray) -> float:
        return float(np.clip(10 * dpm.mean(), -10, 10))


class Drifts(Oracle):
    """Is off by 2 µm."""

    def distance(self, dpm: np.ndarray) -> float:
        return float(dpm.mean()) + 2.0


class Normalized(Oracle):
    """Gives back an image from 0 to 1."""

    def refocus(self, image: np.ndarray, dpm: np.ndarray) -> np.ndarray:
        plane = super().refocus(image, dpm)
        return (plane - plane.min()) / max(float(np.ptp(plane)), 1.0)


class Broken(Oracle):
    def refocus(self, image: np.ndarray, dpm: np.ndarray) -> np.ndarray:
        return np.full_like(image, np.nan)


def failed(model: Oracle, error_at_zero: float | None = None) -> set[str]:
    checks = check_behavior(model, [model.known_stack], HALF_RANGE_UM, error_at_zero=error_at_zero)
    assert [check.name for check in checks] == list(behavior.NAMES)
    assert all(check.detail for check in checks)
    return {check.name for check in checks if check.status == "failed"}


def test_oracle_passes(known_stack):
    assert failed(Oracle(known_stack)) == set()


def test_ignored_dpm(known_stack):
    # Nothing moves, so nothing improves, and the two signs are alike.
    assert failed(IgnoresDpm(known_stack)) == {
        behavior.DPM_IS_USED,
        behavior.BETTER_THAN_INPUT,
        behavior.SIGN_OF_Z,
    }


def test_swapped_channels(known_stack):
    assert behavior.CHANNEL_ORDER in failed(ChannelsSwapped(known_stack))


def test_no_other_fault_is_taken_for_swapped_channels(known_stack):
    for kind in (IgnoresDpm, SignFlipped, SignIgnored, NotInMicrometers, Drifts, Normalized):
        assert behavior.CHANNEL_ORDER not in failed(kind(known_stack)), kind


def test_flipped_sign(known_stack):
    assert failed(SignFlipped(known_stack)) == {behavior.SIGN_OF_Z, behavior.BETTER_THAN_INPUT}


def test_ignored_sign(known_stack):
    assert failed(SignIgnored(known_stack)) == {behavior.SIGN_OF_Z}


def test_dpm_in_another_unit(known_stack):
    assert behavior.BETTER_THAN_INPUT in failed(NotInMicrometers(known_stack))


def test_zero_that_moves(known_stack):
    assert failed(Drifts(known_stack), error_at_zero=0.05) == {behavior.ZERO_KEEPS}


def test_noise_removal_is_not_refocusing(known_stack):
    class Denoises(IgnoresDpm):
        def refocus(self, image: np.ndarray, dpm: np.ndarray) -> np.ndarray:
            return super().refocus(image, dpm) + 0.2 * dpm * image.std()

    found = failed(Denoises(known_stack))
    assert behavior.BETTER_THAN_INPUT in found
    assert behavior.DPM_IS_USED not in found


def test_output_in_other_units(known_stack):
    assert {behavior.ZERO_KEEPS, behavior.BETTER_THAN_INPUT} <= failed(Normalized(known_stack))


def test_nan_never_passes(known_stack):
    assert failed(Broken(known_stack)) == set(behavior.NAMES) - {behavior.CHANNEL_ORDER}


def test_limit_at_zero_follows_the_stated_accuracy(known_stack):
    worse = Drifts(known_stack)
    assert behavior.ZERO_KEEPS in failed(worse, error_at_zero=0.01)
    assert behavior.ZERO_KEEPS not in failed(worse, error_at_zero=0.9)


@pytest.mark.slow
def test_oracle_passes_on_the_simulator():
    """The sign of z of the checks is that of the simulator."""
    from deepz_zoo.optics import get_system
    from deepz_zoo.zoo.examples import held_out_stacks

    system = get_system("leica20x_0.8/TxRd")
    (stack,) = held_out_stacks(
        system, ("nuclei",), seed_offset=920_000, shape=(48, 48), noise="low"
    )
    assert np.all(np.diff(stack.z_um) > 0)
    known_stack = KnownStack.of(stack)
    assert failed(Oracle(known_stack)) == set()
    assert behavior.SIGN_OF_Z in failed(SignFlipped(known_stack))


PLANES_UM = np.arange(-10, 11, 5.0)


def of_planes(
    known_stack: KnownStack, planes_um: np.ndarray, kind: type[Oracle] = Oracle
) -> dict[str, str]:
    """Return the results for a z-stack model: image in, planes out."""
    oracle = kind(known_stack)

    def predict(image: np.ndarray) -> np.ndarray:
        assert image.shape[:2] == (1, 1)
        planes = [oracle.refocus(image[0, 0], np.array(z)) for z in planes_um]
        return np.stack(planes)[None].astype(np.float32)

    checks = check_behavior(
        FunctionEngine(predict), [known_stack], HALF_RANGE_UM, planes_um=planes_um.tolist()
    )
    assert [check.name for check in checks] == list(behavior.NAMES)
    return {check.name: check.status for check in checks}


def test_zstack_model_is_checked_by_its_planes(known_stack):
    found = of_planes(known_stack, PLANES_UM)
    assert found.pop(behavior.CHANNEL_ORDER) == "skipped"
    assert set(found.values()) == {"passed"}
    assert of_planes(known_stack, PLANES_UM, SignFlipped)[behavior.SIGN_OF_Z] == "failed"


def test_zstack_model_without_the_planes_of_the_checks(known_stack):
    assert set(of_planes(known_stack, np.array([1.0, 2.0])).values()) == {"skipped"}
