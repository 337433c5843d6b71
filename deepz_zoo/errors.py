"""The two ways in which a command can end badly."""

from __future__ import annotations


class DeepZError(Exception):
    """Bad input or wrong usage.

    The message is the one line that the user reads: what was found, what was expected and what
    to do. It names an argument of the function that raised it in backticks, as in "or set `clip`";
    the command line writes the option of that name in its place, prints the line and exits with
    status 2.
    """


class CheckFailed(Exception):  # noqa: N818 - a result, not an error
    """A check ran and failed; the command line exits with status 1."""
