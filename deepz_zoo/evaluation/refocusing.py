"""Run a model on one image exactly as a user of the package does."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from torch import nn


def refocus(model: nn.Module, image: NDArray[np.generic], dz_um: float) -> NDArray[np.float32]:
    """Refocus a whole image by a constant distance through the graph wrapper.

    Parameters
    ----------
    model : nn.Module
        The graph wrapper: camera image and DPM in µm in, camera units out.
    image : ndarray, shape (ny, nx)
        Raw camera image.
    dz_um : float
        Distance z_target − z_input.

    Returns
    -------
    ndarray, shape (ny, nx), float32
        The refocused image in camera units.
    """
    first = next(model.parameters(), None)
    device = torch.device("cpu") if first is None else first.device
    fluorescence = torch.from_numpy(image.astype(np.float32)).to(device)
    batch = torch.stack([fluorescence, torch.full_like(fluorescence, dz_um)])[None]
    with torch.inference_mode():
        output = model(batch)
    return np.asarray(output[0, 0].float().cpu().numpy(), dtype=np.float32)
