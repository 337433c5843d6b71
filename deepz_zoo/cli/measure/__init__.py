"""``deepz-zoo measure``: what the paper measures, on one's own images."""

from __future__ import annotations

from deepz_zoo.cli.measure.group import command

__all__ = ["command"]
