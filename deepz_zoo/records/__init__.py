"""What is written down about models, trainings, datasets and measurements: pure data."""

from __future__ import annotations
