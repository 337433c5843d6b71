"""The device that computes."""

from __future__ import annotations

import torch

from deepz_zoo.errors import DeepZError


def choose_device(device: str = "auto") -> torch.device:
    """Return a device that can be used.

    Parameters
    ----------
    device
        A name that PyTorch knows, such as ``"cpu"`` or ``"cuda:1"``; ``"auto"`` takes the GPU where
        there is one.

    Raises
    ------
    DeepZError
        If PyTorch does not know the device, or cannot use it.
    """
    if device == "auto":
        return torch.device(_gpu() or "cpu")
    try:
        (torch.zeros(1, device=device) + 1).cpu().numpy()  # "meta" has no values to give
    except (RuntimeError, AssertionError, NotImplementedError, ImportError) as error:
        reason = str(error).splitlines()[0]
        raise DeepZError(f"`device` {device} cannot be used ({reason}); try cpu") from error
    return torch.device(device)


def _gpu() -> str | None:
    if torch.cuda.is_available():
        return "cuda"
    return "mps" if torch.backends.mps.is_available() else None
