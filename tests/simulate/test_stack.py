"""Simulated stacks against what is known of real ones."""

from __future__ import annotations

import numpy as np
import pytest

from deepz_zoo.errors import DeepZError
from deepz_zoo.optics import get_system
from deepz_zoo.preprocess import intensity_scale
from deepz_zoo.simulate import SPECIMENS, simulate_stack

SYSTEM = get_system("leica20x_0.8/TxRd")
SHAPE = (64, 64)


def test_the_same_seed_gives_the_same_stack_and_another_one_does_not() -> None:
    one, same, other = (
        simulate_stack(SYSTEM, "clusters", seed=seed, shape=SHAPE) for seed in (5, 5, 6)
    )
    assert np.array_equal(one.camera, same.camera)
    assert not np.array_equal(one.camera, other.camera)


@pytest.mark.parametrize("specimen", SPECIMENS)
def test_camera_and_noise_free_stack_agree(specimen: str) -> None:
    stack = simulate_stack(SYSTEM, specimen, seed=2, shape=SHAPE)
    assert stack.camera.shape == stack.clean.shape == (41, *SHAPE)
    assert stack.camera.dtype == np.uint16
    assert stack.z_um[[0, 20, 40]].tolist() == [-10, 0, 10]
    electrons = (stack.clean - 100) * 0.46
    residual = (stack.camera - stack.clean) * 0.46
    # Poisson and read noise, and nothing else.
    chi = residual / np.sqrt(electrons + 1.6**2)
    assert np.abs(chi.mean()) < 0.02
    assert chi.std() == pytest.approx(1.0, abs=0.03)


def test_background_and_signal_are_those_of_real_images() -> None:
    """Real images: background 105 to 484, its noise 3.5 to 28, foreground 3 to 19 %."""
    backgrounds, foregrounds = [], []
    for seed in range(3):
        stack = simulate_stack(SYSTEM, "nuclei", seed=seed, shape=(128, 128))
        plane = stack.camera[20]
        backgrounds.append(float(np.median(plane)))
        scale = intensity_scale(plane)
        foregrounds.append((plane > scale.background + 0.3 * scale.scale).mean())
    assert all(100 < b < 2000 for b in backgrounds)
    assert all(0.001 < f < 0.3 for f in foregrounds)


def test_a_known_bead_is_in_focus_at_its_own_height() -> None:
    stack = simulate_stack(SYSTEM, "beads", seed=1, shape=SHAPE, noise="low")
    inside = stack.emitters_um[np.abs(stack.emitters_um[:, 0]) < 9]
    brightest = []
    for z, y, x in inside:
        row, column = round(y / 0.325) % SHAPE[0], round(x / 0.325) % SHAPE[1]
        profile = stack.clean[:, row, column]
        brightest.append(stack.z_um[profile.argmax()] - z)
    assert np.median(np.abs(brightest)) <= 0.5


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"specimen": "zebra"}, "unknown specimen 'zebra'; expected one of beads"),
        ({"shape": (8, 8)}, "8×8 px; expected"),
        ({"shape": (33, 64)}, "even sides"),
    ],
)
def test_wrong_arguments(arguments: dict[str, object], message: str) -> None:
    with pytest.raises(DeepZError, match=message):
        simulate_stack(SYSTEM, **{"specimen": "beads", "seed": 0, "shape": SHAPE} | arguments)  # type: ignore[arg-type]
