"""From measured z-stacks to pairs that a network is trained on, as the paper's Methods say."""

from __future__ import annotations
