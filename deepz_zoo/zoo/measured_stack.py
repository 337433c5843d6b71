"""What a model reached on a stack that somebody measured, as its manifest keeps it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pydantic import BaseModel, ConfigDict
from typing_extensions import Self

from deepz_zoo.analysis.accuracy import METHODS, BeadFigures, ImageFigures, Method

if TYPE_CHECKING:
    from deepz_zoo.analysis.measured import StackAccuracy


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


class MeasuredStack(BaseModel):
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

    model_config = ConfigDict(frozen=True, extra="forbid")

    title: str
    command: str
    comment: str
    images: tuple[StackRow, ...]
    beads: tuple[StackBeadRow, ...]

    @classmethod
    def of(cls, accuracy: StackAccuracy, *, title: str, command: str, comment: str) -> Self:
        """Summarize the figures of a stack."""
        methods = {row.method for row in accuracy.images}
        return cls(
            title=title,
            command=command,
            comment=comment,
            images=tuple(
                StackRow(
                    from_focus_um=round(source - accuracy.in_focus_um, 4),
                    method=method,
                    **dict(accuracy.mean(source, method)),
                )
                for source in accuracy.sources_um
                for method in METHODS
                if method in methods
            ),
            beads=tuple(
                StackBeadRow(
                    dz_um=row.dz_um,
                    method=row.method,
                    **{name: getattr(row, name) for name in BeadFigures.model_fields},
                )
                for row in accuracy.beads
            ),
        )
