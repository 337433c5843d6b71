"""A prepared dataset: planned, made, stored and reported."""

from __future__ import annotations
