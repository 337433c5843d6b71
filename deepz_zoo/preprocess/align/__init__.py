"""Bring the planes of a stack, or two images of one field, onto each other."""

from __future__ import annotations
