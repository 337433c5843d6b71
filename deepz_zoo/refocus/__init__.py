"""Run a model on an image, a time series or one channel of several."""

from __future__ import annotations

from deepz_zoo.refocus.depths import parse_depths
from deepz_zoo.refocus.like_plugin import like_plugin
from deepz_zoo.refocus.plan import RefocusPlan, plan_refocus
from deepz_zoo.refocus.planes import refocus_image, refocus_planes

__all__ = [
    "RefocusPlan",
    "like_plugin",
    "parse_depths",
    "plan_refocus",
    "refocus_image",
    "refocus_planes",
]
