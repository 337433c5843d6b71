"""The plugin for napari: its layers as images, a widget that refocuses, sample images."""

from __future__ import annotations
