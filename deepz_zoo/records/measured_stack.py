"""What a model reached on a stack that somebody measured, as its manifest keeps it."""

from __future__ import annotations

from deepz_zoo.files import Record
from deepz_zoo.records.accuracy import BeadFigures, ImageFigures, Method


class StackRow(ImageFigures):
    """Mean over all other planes within the axial range, from one plane of the stack.

    Attributes
    ----------
    from_focus_um
        Where the plane that went in lies.
    method
        What made the images that are judged.
    """

    from_focus_um: float
    method: Method


class StackBeadRow(BeadFigures):
    """Beads of the in-focus plane, brought there over a distance in µm."""

    dz_um: float
    method: Method


class MeasuredStack(Record):
    """Figures on one stack.

    Attributes
    ----------
    title
        What the stack shows, and where it is from.
    command
        Command that makes the figures.
    comment
        How to read them.
    """

    title: str
    command: str
    comment: str
    images: tuple[StackRow, ...]
    beads: tuple[StackBeadRow, ...]
