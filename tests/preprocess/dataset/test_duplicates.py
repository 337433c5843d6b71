"""One field of view is recognized in any type, unit and noise; two never pass for one."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from deepz_zoo.preprocess.dataset.duplicates import (
    Duplicates,
    Likeness,
    fingerprint,
    same_field_of_view,
)
from deepz_zoo.simulate import simulate_stack
from tests.builders import spotted_stack


def bead(y: float, x: float, seed: int, shape: tuple[int, int] = (64, 64)) -> np.ndarray:
    """Return a stack of one bead with noise, in focus in plane 4."""
    rows, columns = np.indices(shape)
    square = (rows - y) ** 2 + (columns - x) ** 2
    widths = [1.3 + 0.5 * abs(z - 4) for z in range(9)]
    planes = [9000 / w**2 * np.exp(-square / (2 * w**2)) for w in widths]
    return np.random.default_rng(seed).poisson(np.array(planes) + 100).astype(np.uint16)


def same(one: np.ndarray, other: np.ndarray) -> bool:
    return same_field_of_view(fingerprint(one), fingerprint(other))


@pytest.mark.parametrize(
    "changed",
    [
        lambda s: s.astype(np.float32),
        lambda s: (255.0 * s / s.max()).astype(np.uint8),
        lambda s: s * 2.5 - 40,
        lambda s: s.astype(np.float32) / 65535,
        lambda s: np.minimum(s, np.percentile(s, 99.9)),
        lambda s: s + np.random.default_rng(1).normal(0, 30, s.shape),
        lambda s: np.random.default_rng(1).poisson(s / 10),
    ],
    ids=["float", "8 bit", "other unit", "to 1", "saturated", "noise", "photons"],
)
def test_a_copy_is_recognized(changed) -> None:
    stack = spotted_stack()
    copy = changed(stack)
    assert same(stack, copy)
    assert same(copy, stack)


def test_equal_values_are_told_from_equal_specimens() -> None:
    stack = spotted_stack()
    found = Duplicates()
    assert found.find(0, stack) is None
    assert found.find(1, stack.astype(np.float32)) == Likeness(0, same_values=True)
    assert found.find(2, stack + np.uint16(1)) == Likeness(0, same_values=False)
    assert found.find(3, spotted_stack(1)) is None
    assert found.find(4, stack + 1.0) == Likeness(2, same_values=True)


@pytest.mark.slow
@pytest.mark.parametrize("noise", ["low", "realistic"])
def test_simulated_twins_are_recognized_and_other_seeds_are_not(system, noise) -> None:
    prints = {}
    for specimen, seed in itertools.product(("beads", "nuclei", "microtubules"), (1, 2)):
        made = simulate_stack(system, specimen, seed=seed, shape=(64, 64), noise=noise)
        prints[specimen, seed, "noisy"] = fingerprint(made.camera)
        prints[specimen, seed, "clean"] = fingerprint(made.noise_free)
    for one, other in itertools.combinations(prints, 2):
        assert same_field_of_view(prints[one], prints[other]) == (one[:2] == other[:2])


def test_two_beads_in_the_middle_of_their_fields_are_two() -> None:
    assert not same(bead(32, 32, 1), bead(32.3, 32.2, 2))
    assert not same(bead(32, 32, 1), bead(32, 33, 2))
    assert same(bead(32.3, 32.2, 1), bead(32.3, 32.2, 2))


def test_what_a_camera_adds_to_every_field_is_no_likeness() -> None:
    """Uneven illumination that bleaches, hot pixels, dust and lines of the sensor."""
    random = np.random.default_rng(0)
    rows, columns = np.indices((64, 72))
    light = np.exp(-((rows - 30) ** 2 + (columns - 40) ** 2) / 3000)
    light[40:44, 20:24] *= 0.8
    hot = random.random((64, 72)) > 0.99
    lines = random.normal(0, 20, 72)
    fading = np.linspace(1, 0.8, 8)[:, None, None]
    fields = [
        (spotted_stack(seed) + 500) * light * fading + 3000 * hot + lines for seed in range(4)
    ]
    assert not any(same(a, b) for a, b in itertools.combinations(fields, 2))


def test_noise_alone_is_like_nothing() -> None:
    fields = [spotted_stack(seed, signal=False) for seed in range(12)]
    assert not any(same(a, b) for a, b in itertools.combinations(fields, 2))


def test_a_large_field_is_compared_in_little_memory() -> None:
    planes = np.random.default_rng(0).normal(100, 3, (6, 1030, 700)).astype(np.float32)
    planes[2, 400:440:5, 200:600:20] += 4000
    kept = fingerprint(planes)
    assert kept.images.nbytes <= 1 << 20
    assert same_field_of_view(kept, fingerprint(planes * 3))
    assert not same_field_of_view(kept, fingerprint(np.roll(planes, 9, axis=2)))
    assert not same_field_of_view(kept, fingerprint(planes[:, 1:]))
