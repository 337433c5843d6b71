"""The graph that consumers run: normalization, padding and scaling around the generator."""

from __future__ import annotations
