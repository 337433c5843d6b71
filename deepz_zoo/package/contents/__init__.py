"""What a package is made of, each part written by a module of its own."""

from __future__ import annotations
