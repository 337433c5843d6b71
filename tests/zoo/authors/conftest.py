"""Models of the authors' kind: a small frozen one, and live ones where there is TensorFlow."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

HERE = Path(__file__).parent
ORIGINAL = HERE / "data" / "Leica_20X0.8_worm_TxRd"


@pytest.fixture
def original(tmp_path: Path) -> Path:
    """Return a copy of a small model's folder, to damage."""
    return Path(shutil.copytree(ORIGINAL, tmp_path / ORIGINAL.name))


@pytest.fixture(scope="session")
def tensorflow(tmp_path_factory: pytest.TempPathFactory):
    """Return a function that writes a model by TensorFlow and returns its folder.

    In a process of its own: TensorFlow and torch do not share one gladly.
    """
    own = HERE.parents[2] / ".venv-tensorflow"
    python = os.environ.get("DEEPZ_TENSORFLOW_PYTHON")
    if python is None and (own / ".installed").exists():
        python = str(own / "bin" / "python")
    if python is None and find_spec("tensorflow"):
        python = sys.executable
    if python is None:
        pytest.skip("make .venv-tensorflow/.installed, or set DEEPZ_TENSORFLOW_PYTHON")

    def write(name: str, *arguments: str | Path) -> Path:
        folder = tmp_path_factory.mktemp("tensorflow") / name
        script = HERE / "tensorflow_models.py"
        words = [str(word) for word in (python, script, folder, *arguments)]
        done = subprocess.run(words, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        return folder

    return write
