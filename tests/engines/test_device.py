"""Which device is taken."""

from __future__ import annotations

import pytest
import torch

from deepz_zoo.engines.device import choose_device
from deepz_zoo.errors import DeepZError


def test_devices() -> None:
    assert choose_device("cpu") == torch.device("cpu")
    assert choose_device().type == ("cuda" if torch.cuda.is_available() else "cpu")


def test_an_unknown_device_is_refused() -> None:
    with pytest.raises(DeepZError, match="`device` abacus cannot be used .*; try cpu"):
        choose_device("abacus")
