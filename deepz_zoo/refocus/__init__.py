"""Run models on images, time series and their channels."""

from __future__ import annotations

from deepz_zoo.refocus.channels import ChannelPlan, choose_channels
from deepz_zoo.refocus.depths import parse_depths
from deepz_zoo.refocus.in_range import image_warnings
from deepz_zoo.refocus.normalization import ImageNormalization, with_normalization
from deepz_zoo.refocus.output import refuse_refocused, write_refocused
from deepz_zoo.refocus.plan import RefocusPlan, plan_refocus
from deepz_zoo.refocus.planes import refocus_image, refocus_planes

__all__ = [
    "ChannelPlan",
    "ImageNormalization",
    "RefocusPlan",
    "choose_channels",
    "image_warnings",
    "parse_depths",
    "plan_refocus",
    "refocus_image",
    "refocus_planes",
    "refuse_refocused",
    "with_normalization",
    "write_refocused",
]
