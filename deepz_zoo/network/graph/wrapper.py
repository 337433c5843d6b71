"""The graph that consumers run: raw camera image and DPM in µm in, refocused image out."""

from __future__ import annotations

import torch
from torch import nn

from deepz_zoo.network.config import Normalization
from deepz_zoo.network.graph.normalization import LoneImageNormalization
from deepz_zoo.network.graph.plugin_normalization import PluginNormalization

DPM_SCALE_UM = 10.0


class DeepZModel(nn.Module):
    """A generator with everything around it that makes it a model for users.

    The input (b, 2, y, x) holds the camera image in any intensity unit and the DPM in µm; the
    output (b, 1, y, x) is the refocused image in the units of the camera image, or in the grey
    levels of the authors' plugin. Any size from 16×16 pixels. Each image of a batch is normalized
    by itself.

    Parameters
    ----------
    generator
        Takes a normalized image and the DPM divided by `dpm_scale_um`; its attribute ``multiple``
        says of what the sides must be a multiple.
    dpm_scale_um
        "the DPM entries were divided by 10 to be in the range of -1 to 1" (Methods).
    normalization
        ``"paper"``, or what the authors' Fiji plugin does to images of 16 bits (``"plugin"``) or
        of 8 bits (``"plugin-8bit"``).
    """

    input_channels = 2

    def __init__(
        self,
        generator: nn.Module,
        dpm_scale_um: float = DPM_SCALE_UM,
        normalization: Normalization = "paper",
    ) -> None:
        super().__init__()
        self.normalization: LoneImageNormalization | PluginNormalization
        if normalization == "paper":
            self.normalization = LoneImageNormalization()
        else:
            self.normalization = PluginNormalization(16 if normalization == "plugin" else 8)
        self.generator = generator
        self.dpm_scale_um = dpm_scale_um
        self.multiple = int(getattr(generator, "multiple", 16))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Refocus (b, 2, y, x) to (b, 1, y, x)."""
        background, scale = self.normalization(x[:, :1])
        return self.refocus(x, background, scale)

    def refocus(
        self, x: torch.Tensor, background: torch.Tensor, scale: torch.Tensor
    ) -> torch.Tensor:
        """Refocus with a given background and scale, each (b, 1, 1, 1): for tiles of one image."""
        ny, nx = x.shape[2], x.shape[3]
        normalized = torch.cat(
            ((x[:, :1] - background) / scale, x[:, 1:] / self.dpm_scale_um), dim=1
        )
        padded = nn.functional.pad(
            normalized, (0, -nx % self.multiple, 0, -ny % self.multiple), mode="replicate"
        )
        refocused: torch.Tensor = self.generator(padded)[:, :, :ny, :nx]
        return self.normalization.grey_levels(refocused, background, scale)
