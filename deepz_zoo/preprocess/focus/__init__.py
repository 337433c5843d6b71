"""Where a stack is in focus: its projection, its focus curve."""

from __future__ import annotations
