"""Where large weights are looked for."""

from __future__ import annotations

from pathlib import Path

import platformdirs
import pytest

import deepz_zoo
from deepz_zoo.zoo.folders import FOLDER_VARIABLE, weights_folders

CLONE = Path(deepz_zoo.__file__).parents[1]


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the user's cache folder of a test; no folder is named."""
    monkeypatch.delenv(FOLDER_VARIABLE, raising=False)
    folder = tmp_path / "cache" / "deepz-zoo"
    monkeypatch.setattr(platformdirs, "user_cache_path", lambda *_, **__: folder)
    return folder


def test_a_wheel_looks_in_the_cache_alone(cache: Path, tmp_path: Path) -> None:
    """Beside an installed package lie those of other projects."""
    (tmp_path / "packaging" / "weights").mkdir(parents=True)
    assert weights_folders(tmp_path) == (cache / "weights",)
    (tmp_path / "pyproject.toml").write_text('[project]\nname = "another"\n', encoding="utf-8")
    assert weights_folders(tmp_path) == (cache / "weights",)


def test_a_clone_looks_in_its_own_folder_last(cache: Path) -> None:
    assert weights_folders(CLONE) == (cache / "weights", CLONE / "packaging" / "weights")


def test_the_named_folder_comes_first(
    cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(FOLDER_VARIABLE, str(tmp_path / "named"))
    assert weights_folders(tmp_path) == (tmp_path / "named", cache / "weights")
