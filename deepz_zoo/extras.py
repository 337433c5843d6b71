"""Libraries that are not a part of every installation, but of an extra of this package."""

from __future__ import annotations

from importlib.util import find_spec

from deepz_zoo.errors import DeepZError


def require(extra: str, *libraries: str, what: str) -> None:
    """Refuse work that a missing library would end later.

    Parameters
    ----------
    extra
        The extra that installs them.
    libraries
        Top-level modules.
    what
        What needs them, which begins the sentence.

    Raises
    ------
    DeepZError
        If one of them is not installed.
    """
    for library in libraries:
        if find_spec(library) is None:
            raise DeepZError(
                f"{what} needs {library}, which is not installed: pip install 'deepz-zoo[{extra}]'"
            )


def require_plots(what: str) -> None:
    """Refuse a plot or a picture where Matplotlib is not installed."""
    require("plots", "matplotlib", what=what)
