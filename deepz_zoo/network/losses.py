"""Losses of the generator and of the discriminator."""

from __future__ import annotations

from typing import Literal

import torch
from torch import nn

AlphaWeighs = Literal["mae", "adversarial"]


class RelativeLoss(nn.Module):
    """Squared and a little absolute error, each relative to the contrast of the target.

    A single defocused image sets a scale on which the same structure in focus may be a hundred
    times brighter, and a sparse image is best matched in L1 by a blank one. Both errors are
    therefore divided by the standard deviation of each target image; the squared term does not
    reward dimming, and its root is the error/rms by which refocusing is judged. The absolute term
    keeps the dark background clean.

    Parameters
    ----------
    floor
        Smallest standard deviation, in normalized units, for targets without contrast.
    absolute
        Weight of the absolute error.
    outlier
        Images with errors far above this one count by the logarithm of theirs, so that one image
        on which the network is far off does not drown the rest of its batch.
    """

    def __init__(self, floor: float = 0.05, absolute: float = 0.25, outlier: float = 4.0) -> None:
        super().__init__()
        self.floor = floor
        self.absolute = absolute
        self.outlier = outlier

    def forward(self, refocused: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
        """Compare (b, 1, y, x) images; return the mean over the batch."""
        contrast = target.std(dim=(1, 2, 3), keepdim=True).clamp(min=self.floor)
        error = (refocused - target) / contrast
        squared, absolute = error.square().mean(dim=(1, 2, 3)), error.abs().mean(dim=(1, 2, 3))
        per_image = squared + self.absolute * absolute
        return (self.outlier * torch.log1p(per_image / self.outlier)).mean()

    def extra_repr(self) -> str:
        """Return the formula, for training records."""
        a, c = self.absolute, self.outlier
        return f"{c:g} log(1 + (L2² + {a:g} L1) / {c:g}) per image, errors relative to contrast"


class AdversarialGeneratorLoss(nn.Module):
    r"""The generator's loss, Eq. (4) of the paper: least-squares GAN and mean absolute error.

    .. math::

        L_G = \frac{1}{2N} \sum_i [D(G(x_i)) - 1]^2
              + \alpha \frac{1}{2N} \sum_i \mathrm{MAE}(G(x_i), z_i)

    What the print leaves open, and what is taken here:

    - It has MAE(x, z), the error of the *input*, which no training could change; the error of the
      output G(x) must be meant.
    - MAE is the mean over the pixels of one image, Eq. (11), and N the number of images in the
      batch. Both sums are thus halves of means over the batch; the factor ½ belongs to the least
      squares and is printed before the MAE too, where it is kept.
    - α = 0.02 multiplies the MAE, as printed. The text calls it "a regularization parameter for the
      GAN loss and the MAE loss", which fits the other reading as well: a small adversarial term
      beside a full MAE. ``alpha_weighs="adversarial"`` is that reading.

    Parameters
    ----------
    alpha
        Weight of one of the two terms.
    alpha_weighs
        Which of them: ``"mae"`` as printed, or ``"adversarial"``.
    """

    def __init__(self, alpha: float = 0.02, alpha_weighs: AlphaWeighs = "mae") -> None:
        super().__init__()
        self.adversarial = alpha if alpha_weighs == "adversarial" else 1.0
        self.mae = alpha if alpha_weighs == "mae" else 1.0

    def forward(
        self, scores: torch.Tensor, refocused: torch.Tensor, target: torch.Tensor
    ) -> torch.Tensor:
        """Return the loss of refocused images (b, 1, y, x) with their scores (b, 1)."""
        adversarial = (scores - 1).square().mean() / 2
        mae = (refocused - target).abs().mean() / 2
        return self.adversarial * adversarial + self.mae * mae

    def extra_repr(self) -> str:
        """Return the formula, for training records."""
        return f"{self.adversarial:g}·½(D(G(x)) - 1)² + {self.mae:g}·½ MAE(G(x), z)"


def discriminator_loss(of_refocused: torch.Tensor, of_targets: torch.Tensor) -> torch.Tensor:
    r"""Return the discriminator's loss, Eq. (5) of the paper.

    .. math:: L_D = \frac{1}{2N} \sum_i D(G(x_i))^2 + \frac{1}{2N} \sum_i [D(z_i) - 1]^2

    N counts the images of the batch in both sums: a batch of N pairs gives N outputs and N targets.

    Parameters
    ----------
    of_refocused, of_targets
        Scores of the generator's outputs and of the true images, shape (b, 1) each.
    """
    return of_refocused.square().mean() / 2 + (of_targets - 1).square().mean() / 2
