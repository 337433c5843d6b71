"""What is measured on anybody's images: image metrics and bead widths."""

from __future__ import annotations
