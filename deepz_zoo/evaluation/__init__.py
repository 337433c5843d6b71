"""Models against ground truth: the benchmark, its limits, measured stacks, other models."""

from __future__ import annotations
