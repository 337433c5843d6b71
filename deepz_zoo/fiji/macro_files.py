"""The files of macros: this package's own, and those that a user names."""

from __future__ import annotations

import os
from pathlib import Path

from deepz_zoo.errors import DeepZError


def macros_folder() -> Path:
    """Return the folder of this package's own macros."""
    installed = Path(__file__).parent / "macros"
    return installed if installed.is_dir() else Path(__file__).parents[2] / "fiji_macros"


def find_macro(macro: str | os.PathLike[str]) -> Path:
    """Return the file of a macro that is named by its path, or by its name where it is our own.

    Raises
    ------
    DeepZError
        If there is no such macro, or it is not text.
    """
    for path in (Path(macro), macros_folder() / f"{Path(macro).name.removesuffix('.ijm')}.ijm"):
        if path.is_file():
            _check_text(path)
            return path
    own = ", ".join(sorted(path.stem for path in macros_folder().glob("*.ijm")))
    raise DeepZError(f"{macro}: no such macro; expected a file, or one of {own}")


def _check_text(path: Path) -> None:
    try:
        path.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise DeepZError(f"{path} is not UTF-8 text; expected an ImageJ macro (.ijm)") from error
