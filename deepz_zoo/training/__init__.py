"""Training of a generator on simulated stacks and prepared datasets."""

from __future__ import annotations

from deepz_zoo.records.training import TrainingRecord

__all__ = ["TrainingRecord"]
