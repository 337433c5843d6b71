"""Names of a card and of the pictures beside it."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from deepz_zoo.records.manifest import Manifest


def card_name(manifest: Manifest, suffix: str = ".md") -> str:
    """Return the file name of a model's card, or of a picture beside it."""
    return f"{manifest.name.replace('/', '_')}{suffix}"


def example_name(manifest: Manifest) -> str:
    """Return the file name of the picture of refocused planes."""
    return card_name(manifest, ".png")


def accuracy_plot_name(manifest: Manifest) -> str | None:
    """Return the file name of the plot of accuracy, None where it was not measured."""
    return card_name(manifest, "_accuracy.png") if manifest.accuracy else None


def limits_plot_name(manifest: Manifest) -> str | None:
    """Return the file name of the plot of the limits, None where they were not measured."""
    return card_name(manifest, "_limits.png") if manifest.limits else None
