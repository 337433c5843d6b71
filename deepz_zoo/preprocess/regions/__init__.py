"""Which parts of a field of view are used, and which of their planes become pairs."""

from __future__ import annotations
