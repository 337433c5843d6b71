"""Training of a generator on simulated stacks."""

from __future__ import annotations

from deepz_zoo.records.training import TrainingRecord

__all__ = ["TrainingRecord"]
