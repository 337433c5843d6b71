"""A z-stack of noise for all tests of reading and writing."""

from __future__ import annotations

import numpy as np
import pytest


@pytest.fixture
def stack() -> np.ndarray:
    return np.random.default_rng(1).integers(90, 4000, (4, 24, 33)).astype(np.uint16)
