"""What is checked of a package, and how two of them differ."""

from __future__ import annotations
