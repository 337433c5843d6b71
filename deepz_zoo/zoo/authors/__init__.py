"""Import of the weights of the method's authors, without TensorFlow."""

from __future__ import annotations
