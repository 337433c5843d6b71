"""Slow motion of a worm's body: it drifts, turns, stretches and bends."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

DRIFT_UM, TURN_DEGREES, STRETCH, BEND_UM = 4.0, 2.5, 0.01, 0.4
"""Largest changes over a video."""
_JITTER_UM = 0.05


@dataclass(frozen=True, eq=False)
class Motion:
    """Where the points of a body are at each time; at the time of the reference they are at rest.

    Attributes
    ----------
    matrix
        Affine part: (y, x) of a point relative to `center_um` are multiplied by it, shape
        (times, 2, 2).
    shift_um
        And moved by it, shape (times, 2).
    bend_um
        Height of the bow that a length of `length_um` makes across its direction; the part that no
        affine transformation follows. Shape (times,).
    direction
        Unit vector (y, x) along the body.
    center_um, length_um
        Of the field of view.
    """

    matrix: Floats
    shift_um: Floats
    bend_um: Floats
    direction: Floats
    center_um: Floats
    length_um: float

    def apply(self, yx_um: Floats, time: int) -> Floats:
        """Return points (n, 2) at a time."""
        centered = yx_um - self.center_um
        along = centered @ self.direction / self.length_um
        across = np.array([self.direction[1], -self.direction[0]])
        bow = self.bend_um[time] * np.cos(2 * math.pi * along)
        moved = (centered + bow[:, None] * across) @ self.matrix[time].T
        return np.asarray(moved + self.center_um + self.shift_um[time])


def draw_motion(
    times: int, reference: int, size_um: tuple[float, float], rng: np.random.Generator
) -> Motion:
    """Draw a motion in a field of view of some height and width."""
    turn = math.radians(TURN_DEGREES) * _smooth(times, reference, rng)
    stretch = 1 + STRETCH * np.stack([_smooth(times, reference, rng) for _ in range(2)], axis=1)
    shift = DRIFT_UM * np.stack([_smooth(times, reference, rng) for _ in range(2)], axis=1)
    jitter = rng.normal(0, _JITTER_UM, (times, 2))
    jitter[reference] = 0
    rotation = np.stack(
        [np.stack([np.cos(turn), np.sin(turn)], 1), np.stack([-np.sin(turn), np.cos(turn)], 1)], 1
    )
    angle = rng.uniform(0, math.pi)
    return Motion(
        matrix=rotation * stretch[:, None, :],
        shift_um=shift + jitter,
        bend_um=BEND_UM * _smooth(times, reference, rng),
        direction=np.array([math.sin(angle), math.cos(angle)]),
        center_um=np.array(size_um) / 2,
        length_um=math.hypot(*size_um),
    )


def _smooth(times: int, reference: int, rng: np.random.Generator) -> Floats:
    """Return slow changes within ±1 that are 0 at the reference."""
    time = (np.arange(times) - reference) / max(1, times - 1)
    phase, waves = rng.uniform(0, 2 * math.pi), rng.uniform(0.4, 1.2)
    values = np.sin(2 * math.pi * waves * time + phase) - math.sin(phase)
    return np.asarray(values / 2)
