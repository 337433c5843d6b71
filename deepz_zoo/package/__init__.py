"""bioimage.io packages of Deep-Z models: building, validating and exporting them."""

from __future__ import annotations
