"""Programs that run the weights of a package."""

from __future__ import annotations
