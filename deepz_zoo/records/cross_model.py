"""The accuracy of every model on the stacks of every system."""

from __future__ import annotations

from deepz_zoo.files import Record

INPUT = "input as it is"
"""Stands in place of a model's name for the input without refocusing."""


class CrossCell(Record):
    """Mean metrics of one model on the stacks of one system.

    Attributes
    ----------
    model
        Name of the model, or `INPUT`.
    system
        Name of the system whose stacks these are.
    dz_um
        |Δz|; both directions count.
    correlation, error_over_rms
        See `ImageMetrics`; None where |Δz| lies beyond the range of the model.
    """

    model: str
    system: str
    dz_um: float
    images: int
    correlation: float | None
    error_over_rms: float | None


class CrossModel(Record):
    """The cells of all models and systems."""

    version: int
    code_version: str
    seeds: tuple[int, ...]
    cells: tuple[CrossCell, ...]

    @property
    def models(self) -> tuple[str, ...]:
        """Names of the models in their order, the input last."""
        names = dict.fromkeys(cell.model for cell in self.cells)
        return (*(name for name in names if name != INPUT), INPUT)

    @property
    def systems(self) -> tuple[str, ...]:
        """Names of the systems in their order."""
        return tuple(dict.fromkeys(cell.system for cell in self.cells))

    def cell(self, model: str, system: str) -> CrossCell:
        """Return the metrics of a model on a system."""
        return next(c for c in self.cells if (c.model, c.system) == (model, system))
