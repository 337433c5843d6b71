"""Simulated wide-field z-stacks: specimens, image formation, camera."""

from __future__ import annotations

from deepz_zoo.simulate.specimens import SPECIMENS
from deepz_zoo.simulate.stack import HELD_OUT_SEED, SimulatedStack, simulate_stack

__all__ = ["HELD_OUT_SEED", "SPECIMENS", "SimulatedStack", "simulate_stack"]
