"""Whether an image, or data to train on, lie inside what a model was trained on."""

from __future__ import annotations

from deepz_zoo.refocus.in_range.image import image_warnings
from deepz_zoo.refocus.in_range.training_data import data_warnings

__all__ = ["data_warnings", "image_warnings"]
