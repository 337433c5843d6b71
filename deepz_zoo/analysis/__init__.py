"""Measurements: image metrics, bead widths and the accuracy of a model."""

from __future__ import annotations
