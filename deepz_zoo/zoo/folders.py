"""Where weights are looked for that are too large to ship with the package."""

from __future__ import annotations

import os
import re
from pathlib import Path

FOLDER_VARIABLE = "DEEPZ_WEIGHTS"
"""Environment variable that names a folder with weights."""

_CLONE = Path(__file__).parents[2]
_PROJECT = re.compile(r'^name\s*=\s*"deepz-zoo"\s*$', re.MULTILINE)


def weights_folders(clone: Path = _CLONE) -> tuple[Path, ...]:
    """Return the folders in which to look for large weights, first to last.

    They are the folder that `FOLDER_VARIABLE` names, ``weights`` in the user's cache folder, and
    ``packaging/weights`` where the package is run from a clone of its repository.

    Parameters
    ----------
    clone
        The folder above the package; a clone if it holds this project's ``pyproject.toml``.
    """
    from platformdirs import user_cache_path

    named = os.environ.get(FOLDER_VARIABLE)
    folders = [Path(named).expanduser()] if named else []
    folders.append(user_cache_path("deepz-zoo", appauthor=False) / "weights")
    if _is_a_clone(clone):
        folders.append(clone / "packaging" / "weights")
    return tuple(folders)


def _is_a_clone(folder: Path) -> bool:
    project = folder / "pyproject.toml"
    return project.is_file() and bool(_PROJECT.search(project.read_text(encoding="utf-8")))
