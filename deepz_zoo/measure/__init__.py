"""Measurements on images of any origin: image metrics and bead widths."""

from __future__ import annotations
