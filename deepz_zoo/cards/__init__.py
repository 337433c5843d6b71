"""Model cards: their text, their index and their pictures."""

from __future__ import annotations
