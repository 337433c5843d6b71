"""Training of a generator on simulated stacks."""

from __future__ import annotations

from deepz_zoo.training.record import TrainingRecord

__all__ = ["TrainingRecord"]
