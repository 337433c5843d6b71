"""Hot pixels and dark columns, which real images have and no target should."""

from __future__ import annotations

from dataclasses import dataclass

import torch

from deepz_zoo.training.draws import Draws

HOTTEST = 30_000.0
"""Grey levels that a hot pixel has at most; measured were up to 26 626 beside a peak of 6300."""
_COOLEST = 1_000.0
_MOST_COLUMNS = 8


@dataclass(frozen=True)
class Artifacts:
    """Artifacts of a batch: hot pixels in some images, columns of zeros at an edge in others.

    Real images have one to five hot pixels in a million, and columns of zeros where registration
    moved them away from an edge. A patch that has any has one hot pixel, or up to eight columns.

    Attributes
    ----------
    hot
        Grey levels of the hot pixel, 0 for none, shape (b, 1, 1).
    row, column
        Where in the patch it is.
    columns
        Number of columns of zeros, shape (b, 1, 1).
    right
        Whether they lie at the right edge.
    """

    hot: torch.Tensor
    row: torch.Tensor
    column: torch.Tensor
    columns: torch.Tensor
    right: torch.Tensor

    @classmethod
    def draw(cls, fraction: float, size_px: int, draws: Draws) -> Artifacts:
        """Draw artifacts for a fraction of the images, half of them of either kind."""
        kind, level = draws.uniform(), draws.log_uniform(_COOLEST, HOTTEST)
        columns = draws.integers(1, _MOST_COLUMNS + 1)
        dark = (kind >= fraction / 2) & (kind < fraction)
        return cls(
            hot=torch.where(kind < fraction / 2, level.round(), torch.zeros_like(level)),
            row=draws.integers(0, size_px),
            column=draws.integers(0, size_px),
            columns=torch.where(dark, columns, torch.zeros_like(columns)),
            right=draws.coin(),
        )

    def on_patch(self, image: torch.Tensor) -> torch.Tensor:
        """Put them on patches (b, size, size) in grey levels."""
        y, x = (torch.arange(side, device=image.device) for side in image.shape[1:])
        here = (y[:, None] == self.row) & (x[None, :] == self.column)
        return self.on_image(torch.where(here, torch.maximum(image, self.hot), image))

    def on_image(self, image: torch.Tensor) -> torch.Tensor:
        """Put the columns on images of any size; a single hot pixel does not change their scale."""
        x = torch.arange(image.shape[2], device=image.device)
        from_edge = torch.where(self.right, image.shape[2] - 1 - x, x)
        return torch.where(from_edge < self.columns, torch.zeros_like(image), image)
