"""Packages from anybody, read without harm."""

from __future__ import annotations
