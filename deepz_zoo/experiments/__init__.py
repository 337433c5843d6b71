"""The experiments of the paper, each on simulated data or on a z-stack of the user's own."""

from __future__ import annotations
