"""Untrusted packages, read safely."""

from __future__ import annotations
