"""Models against ground truth: the benchmark, its limits, acquired stacks, other models."""

from __future__ import annotations
