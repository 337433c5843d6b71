"""Engines: everything that runs the graph of a model, behind one interface."""

from __future__ import annotations
